/** What happened to a rental, as it happens. */
import { useFollow, useRead } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { withParcels } from '../orders/entries.ts';
import { Loading, Problem } from '../pieces/states.tsx';
import { useStatusWords } from '../pieces/words.ts';
import { OfficeRentalStatusDocument, OfficeTimelineDocument } from './rental.generated.ts';

const useWords = wordsOf({
  en: {
    timeline: 'Timeline',
    none: 'Nothing has been heard of this rental yet.',
    renewed: 'Renewed',
    returnBooked: 'Return booked',
    resumed: 'Return stopped, the loan goes on',
    kept: 'Delivered after the cancellation and kept: nothing is refunded',
  },
  ko: {
    timeline: '진행 기록',
    none: '아직 이 대여의 기록이 없습니다.',
    renewed: '연장',
    returnBooked: '반납 택배 접수',
    resumed: '반납 중단, 대여 계속',
    kept: '취소 후 배달된 책이 반납되지 않아 환불하지 않음',
  },
});

/** A parcel's scan that changes no status of the rental brings no event. */
const REFRESH_MS = 15_000;

export function RentalTimeline({ rentalId }: { rentalId: string }) {
  const words = useWords();
  const status = useStatusWords();
  const format = useFormat();
  const { data, loading, error, again } = useRead(OfficeTimelineDocument, { rentalId }, { everyMs: REFRESH_MS });
  useFollow(OfficeRentalStatusDocument, { rentalId });
  const timeline = withParcels(data?.order?.timeline ?? []);
  /** What moves no status, or back to one. */
  const happened: Record<string, string> = {
    'rental.renewed': words.renewed,
    'rental.return_requested': words.returnBooked,
    'rental.loan_resumed': words.resumed,
    'rental.kept': words.kept,
  };
  return (
    <section className="card">
      <h2>{words.timeline}</h2>
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {data && !timeline.length && <p>{words.none}</p>}
      <ol className="events">
        {timeline.map(({ cursor, type, direction, deliveryStatus, status: now, occurredAt }) => (
          <li key={cursor}>
            {direction && deliveryStatus ? (
              <>
                {status.direction[direction]}: {status.delivery[deliveryStatus]}
              </>
            ) : (
              <strong>{happened[type] ?? status.rental[now]}</strong>
            )}
            <time dateTime={occurredAt}>{format.time(occurredAt)}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}
