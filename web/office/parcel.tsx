/** What is told of a parcel, on its own view and on that of its rental. */
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { useStatusWords } from '../pieces/words.ts';
import type { OfficeParcelFragment } from './delivery.generated.ts';

const useWords = wordsOf({
  en: {
    noEvents: 'No scans yet.',
    notApplied: 'not applied',
    kept: 'Kept, but it did not move the parcel: it was no move from where the parcel was, or older than the last scan.',
    late: (when: string) => `heard of ${when}`,
  },
  ko: {
    noEvents: '아직 스캔 기록이 없습니다.',
    notApplied: '미반영',
    kept: '기록만 남았습니다. 당시 상태에서 할 수 없는 변경이거나 마지막 스캔보다 이전 시각입니다.',
    late: (when: string) => `${when} 수신`,
  },
});

/** What was heard of later than this is told so. */
const LATE_MS = 60_000;

interface TrackingEventsProps {
  of: OfficeParcelFragment['trackingEvents'];
  /** Whatever its carrier or courier wrote beside each, in no known language. */
  withNotes?: boolean;
}

export function TrackingEvents({ of: events, withNotes = false }: TrackingEventsProps) {
  const words = useWords();
  const status = useStatusWords();
  const format = useFormat();
  if (!events.length) return <p>{words.noEvents}</p>;
  return (
    <ol className="events">
      {events.map(({ id, status: scan, note, occurredAt, receivedAt, applied }) => (
        <li key={id}>
          <strong>{status.delivery[scan]}</strong>{' '}
          {!applied && <span className="badge notice">{words.notApplied}</span>}
          <span>
            <time dateTime={occurredAt}>{format.time(occurredAt)}</time>
            {Date.parse(receivedAt) - Date.parse(occurredAt) > LATE_MS && `, ${words.late(format.time(receivedAt))}`}
          </span>
          {withNotes && note && <span lang="">{note}</span>}
          {!applied && <span>{words.kept}</span>}
        </li>
      ))}
    </ol>
  );
}

interface Tracked {
  carrier: string | null;
  trackingNumber: string | null;
  trackingUrl: string | null;
}

/** The address is the carrier's: only what a browser opens as a page is made a link. */
export function Tracking({ of: { carrier, trackingNumber, trackingUrl } }: { of: Tracked }) {
  const number = trackingNumber ?? '';
  return (
    <>
      {carrier}{' '}
      {trackingUrl && /^https?:/.test(trackingUrl) ? (
        <a href={trackingUrl} target="_blank" rel="noreferrer">
          {number}
        </a>
      ) : (
        number
      )}
    </>
  );
}
