/** What a courier says of a parcel next. A press is one scan, however often it has to be sent. */

import { useState } from 'react';
import type { DeliveryStatus } from '../client/enums.generated.ts';
import { useIdempotencyKey, useSend } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import { type UserError, useRefusal } from '../language/refusals.ts';
import { Confirm } from '../pieces/confirm.tsx';
import { Button, Faults, Field } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import { useStatusWords } from '../pieces/words.ts';
import { type OfficeParcelFragment, OfficeRecordScanDocument } from './delivery.generated.ts';
import { nextScansOf } from './parcelLife.ts';
import { Told } from './told.tsx';

const useWords = wordsOf({
  en: {
    next: 'Next scan',
    note: 'Note',
    noteHint: 'Goes with the scan: left at the door, nobody home …',
    final: 'This parcel has come to its end.',
    recorded: (status: string) => `Recorded: ${status}.`,
    notApplied: (status: string, stays: string) =>
      `“${status}” was kept, but not applied: the parcel stays “${stays}”.`,
    sure: (status: string) => `Record “${status}”?`,
    ends: 'This ends the way of the parcel and cannot be taken back.',
    record: 'Record',
  },
  ko: {
    next: '다음 스캔',
    note: '메모',
    noteHint: '스캔과 함께 저장됩니다. 예: 문 앞에 둠, 부재중',
    final: '배송이 끝났습니다.',
    recorded: (status: string) => `기록했습니다: ${status}`,
    notApplied: (status: string, stays: string) =>
      `‘${status}’ 스캔은 기록만 되고 반영되지 않았습니다. 배송 상태는 ‘${stays}’ 그대로입니다.`,
    sure: (status: string) => `‘${status}’로 기록할까요?`,
    ends: '배송이 종료되며 되돌릴 수 없습니다.',
    record: '기록',
  },
});

/** What ends a parcel otherwise than it should is asked for once more. */
const grave: readonly DeliveryStatus[] = ['STOPPED', 'RETURNED_TO_SENDER', 'LOST'];

export function NextScans({ parcel }: { parcel: OfficeParcelFragment }) {
  const words = useWords();
  const status = useStatusWords();
  const say = useRefusal();
  const { send, sending, error } = useSend(OfficeRecordScanDocument);
  const { key, renew } = useIdempotencyKey();
  const [note, setNote] = useState('');
  const [asking, setAsking] = useState<DeliveryStatus>();
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const [said, setSaid] = useState<{ text: string; wrong: boolean }>();
  const next = nextScansOf[parcel.status];

  async function record(scan: DeliveryStatus): Promise<void> {
    setErrors([]);
    setSaid(undefined);
    const idempotencyKey = `${key}-${scan}`;
    const input = { deliveryId: parcel.id, status: scan, note: note.trim() || undefined, idempotencyKey };
    const answer = (await send({ input }))?.recordTrackingEvent;
    if (!answer) return; // and the same key when it is pressed again
    renew();
    setAsking(undefined);
    setErrors(answer.userErrors);
    if (answer.userErrors.length || !answer.delivery) return;
    const { trackingEvents, status: now } = answer.delivery;
    const wrong = !trackingEvents.findLast((event) => event.status === scan)?.applied;
    const name = status.delivery[scan];
    setSaid({ text: wrong ? words.notApplied(name, status.delivery[now]) : words.recorded(name), wrong });
    setNote('');
  }

  return (
    <section className="card">
      <h2>{words.next}</h2>
      <Told text={said?.text} wrong={said?.wrong} />
      <Faults of={errors.map(say)} />
      {!asking && <Problem error={error} />}
      {!next.length && <p>{words.final}</p>}
      {next.length > 0 && (
        <>
          <div className="big">
            {next.map((scan, place) => (
              <Button
                key={scan}
                kind={place === 0 ? 'main' : grave.includes(scan) ? 'danger' : 'quiet'}
                busy={sending}
                onClick={() => (grave.includes(scan) ? setAsking(scan) : record(scan))}
              >
                {status.delivery[scan]}
              </Button>
            ))}
          </div>
          <Field
            label={words.note}
            hint={words.noteHint}
            value={note}
            maxLength={1000}
            onChange={(event) => {
              setNote(event.target.value);
              renew();
            }}
          />
        </>
      )}
      {asking && (
        <Confirm
          title={words.sure(status.delivery[asking])}
          confirm={words.record}
          busy={sending}
          go={() => record(asking)}
          close={() => setAsking(undefined)}
        >
          <p>{words.ends}</p>
          <Problem error={error} />
        </Confirm>
      )}
    </section>
  );
}
