/** What happened to a rental, as it happens. */
import { useFollow, useRead } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { withParcels } from '../orders/entries.ts';
import { useHappened } from '../orders/timelineWords.ts';
import { Loading, Problem } from '../pieces/states.tsx';
import { OfficeRentalStatusDocument, OfficeTimelineDocument } from './rental.generated.ts';

const useWords = wordsOf({
  en: {
    timeline: 'Timeline',
    none: 'Nothing has been heard of this rental yet.',
  },
  ko: {
    timeline: '진행 기록',
    none: '아직 이 대여의 기록이 없습니다.',
  },
});

/** A parcel's scan that changes no status of the rental brings no event. */
const REFRESH_MS = 15_000;

export function RentalTimeline({ rentalId }: { rentalId: string }) {
  const words = useWords();
  const happened = useHappened();
  const format = useFormat();
  const { data, loading, error, again } = useRead(OfficeTimelineDocument, { rentalId }, { everyMs: REFRESH_MS });
  useFollow(OfficeRentalStatusDocument, { rentalId });
  const timeline = withParcels(data?.order?.timeline ?? []);
  return (
    <section className="card">
      <h2>{words.timeline}</h2>
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {data && !timeline.length && <p>{words.none}</p>}
      <ol className="events">
        {timeline.map((entry) => (
          <li key={entry.cursor}>
            {entry.direction ? happened(entry) : <strong>{happened(entry)}</strong>}
            <time dateTime={entry.occurredAt}>{format.time(entry.occurredAt)}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}
