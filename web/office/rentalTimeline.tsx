/** What happened to a rental, as it happens. */
import { useSubscription } from 'urql';
import { useRead } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Loading, Problem } from '../pieces/states.tsx';
import { useStatusWords } from '../pieces/words.ts';
import { OfficeRentalStatusDocument, OfficeTimelineDocument } from './rental.generated.ts';

const useWords = wordsOf({
  en: { timeline: 'Timeline', none: 'Nothing has been heard of this rental yet.' },
  ko: { timeline: '진행 기록', none: '아직 이 대여의 기록이 없습니다.' },
});

/** A parcel's scan that changes no status of the rental brings no event. */
const REFRESH_MS = 15_000;

export function RentalTimeline({ rentalId }: { rentalId: string }) {
  const words = useWords();
  const status = useStatusWords();
  const format = useFormat();
  const { data, loading, error, again } = useRead(OfficeTimelineDocument, { rentalId }, { everyMs: REFRESH_MS });
  useSubscription({ query: OfficeRentalStatusDocument, variables: { rentalId } }); // its events go to the cache
  const timeline = data?.order?.timeline ?? [];
  return (
    <section className="card">
      <h2>{words.timeline}</h2>
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {data && !timeline.length && <p>{words.none}</p>}
      <ol className="events">
        {timeline.map((event) => (
          <li key={event.cursor}>
            <strong>
              {event.type.startsWith('delivery.') && event.deliveryStatus
                ? status.delivery[event.deliveryStatus]
                : status.rental[event.status]}
            </strong>
            <time dateTime={event.occurredAt}>{format.time(event.occurredAt)}</time>
            <span>{event.message}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
