/** The gate in front of settling, as it is now and was in the last minutes. */
import { useEffect, useRef, useState } from 'react';
import { useRead } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Chart } from '../pieces/chart.tsx';
import { Loading, Problem } from '../pieces/states.tsx';
import { AdmissionDocument } from './today.generated.ts';

const useWords = wordsOf({
  en: {
    title: 'Admission of new requests',
    OPEN: 'Open',
    HOLDING: 'Holding',
    open: 'New requests are settled at once.',
    holding: 'New requests wait, because so many are being settled, or because something does not answer.',
    inFlight: 'Being settled now',
    of: (count: string, limit: string) => `${count} of ${limit} at most`,
    onHold: 'On hold',
    oldest: (ago: string) => `the longest since ${ago}`,
    queue: 'Requests that wait and that are settled',
    time: 'Time',
  },
  ko: {
    title: '신규 대여 신청 접수',
    OPEN: '정상 접수',
    HOLDING: '보류 중',
    open: '새 신청을 바로 처리하고 있습니다.',
    holding: '처리 중인 신청이 많거나 응답하지 않는 서비스가 있어 새 신청이 대기합니다.',
    inFlight: '처리 중',
    of: (count: string, limit: string) => `${count}건 / 최대 ${limit}건`,
    onHold: '보류',
    oldest: (ago: string) => `가장 오래된 신청: ${ago}`,
    queue: '대기 및 처리 중인 신청',
    time: '시각',
  },
});

const LOOK_MS = 2000;
/** Of three minutes. */
const SAMPLES = 90;

interface Sample {
  at: string;
  onHold: number | null;
  inFlight: number | null;
}

export function AdmissionGauge() {
  const words = useWords();
  const format = useFormat();
  const { data, loading, error, again } = useRead(AdmissionDocument, {}, { everyMs: LOOK_MS });
  const gate = data?.admission;
  const samples = useSamples(error ? undefined : gate);

  return (
    <section className="card admission" aria-labelledby="admission">
      <header className="heading">
        <h2 id="admission">{words.title}</h2>
        <span role="status">
          {gate && <span className={gate.state === 'OPEN' ? 'badge' : 'badge notice'}>{words[gate.state]}</span>}
        </span>
      </header>
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {gate && (
        <div className="gate">
          <div>
            <p>{gate.state === 'OPEN' ? words.open : words.holding}</p>
            <dl>
              <dt>{words.inFlight}</dt>
              <dd>
                {words.of(format.number(gate.inFlight), format.number(gate.limit))}
                <meter min={0} max={gate.limit} value={gate.inFlight} aria-label={words.inFlight} />
              </dd>
              <dt>{words.onHold}</dt>
              <dd>
                {format.number(gate.onHold)}
                {gate.oldestHeldSince && <small> {words.oldest(format.ago(gate.oldestHeldSince))}</small>}
              </dd>
            </dl>
          </div>
          <Chart
            title={words.queue}
            along={words.time}
            labels={samples.map(({ at }) => format.clock(at))}
            format={format.number}
            series={[
              { name: words.onHold, kind: 'line', values: samples.map(({ onHold }) => onHold) },
              { name: words.inFlight, kind: 'dashes', values: samples.map(({ inFlight }) => inFlight) },
            ]}
          />
        </div>
      )}
    </section>
  );
}

/** What was seen since the view was opened; nothing is made up for when the server did not answer. */
function useSamples(gate: Omit<Sample, 'at'> | null | undefined): readonly Sample[] {
  const latest = useRef(gate);
  latest.current = gate;
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    const sample = () => {
      const { onHold = null, inFlight = null } = latest.current ?? {};
      const seen = { at: new Date().toISOString(), onHold, inFlight };
      setSamples((before) => [...before, seen].slice(-SAMPLES));
    };
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') sample();
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return samples;
}
