/** How far an import is, and what has become of each row. */
import { useFormat } from '../language/format.ts';
import { plural, wordsOf } from '../language/language.ts';
import { download } from '../pieces/download.ts';
import { Button } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import type { Unreadable } from './csvRows.ts';
import { goOn, type Import, leaveImport, type Remark, stopImport } from './importRun.ts';

const useWords = wordsOf({
  en: {
    states: {
      RUNNING: 'The import is running. You can look at other views of this page meanwhile.',
      WAITING: 'The shop does not answer. The import goes on by itself as soon as it does.',
      STOPPED: 'The import is stopped.',
      DONE: 'The import is done.',
      BROKEN: 'The import broke off. What is imported stays; choose the file again to go on.',
    },
    progress: (done: string, total: string) => `${done} of ${total} rows`,
    rate: (rows: string) => `${rows} rows a second`,
    left: (seconds: number) =>
      seconds < 90
        ? `about ${plural(seconds, { one: 'a second', other: `${seconds} seconds` })} left`
        : `about ${Math.round(seconds / 60)} minutes left`,
    stop: 'Stop',
    goOn: 'Go on',
    another: 'Import another file',
    outcomes: { IMPORTED: 'Imported', UPDATED: 'Updated', UNCHANGED: 'Unchanged', LEFT_OUT: 'Left out' },
    remarks: 'What was left out',
    first: (shown: string, all: string) => `The first ${shown} of ${all}; all of them are in the file.`,
    download: 'Download as CSV',
    line: 'Line',
    outcome: 'The row was',
    reason: 'Reason',
    lines: (from: string, to: string, text: string) => `lines ${from} to ${to}: ${text}`,
    brokenLines: (from: string, to: string) => `It was at lines ${from} to ${to}.`,
    whys: {
      COLUMNS: 'it has more or fewer columns than the header',
      QUOTE: 'a quote is missing, or there is one too many',
      QUOTE_NOT_CLOSED: 'a quote is opened and never closed',
      NOT_TEXT: 'it is not UTF-8 text',
      TOO_LONG: 'it is too long to be sent',
      REFUSED: 'the shop does not take it',
    },
  },
  ko: {
    states: {
      RUNNING: '가져오는 중입니다. 그동안 다른 화면을 보셔도 됩니다.',
      WAITING: '서점이 응답하지 않습니다. 연결되면 자동으로 이어집니다.',
      STOPPED: '가져오기를 멈췄습니다.',
      DONE: '가져오기를 마쳤습니다.',
      BROKEN: '가져오기가 중단되었습니다. 가져온 책은 그대로 있으니, 파일을 다시 선택하면 이어서 할 수 있습니다.',
    },
    progress: (done: string, total: string) => `${total}줄 중 ${done}줄`,
    rate: (rows: string) => `초당 ${rows}줄`,
    left: (seconds: number) => (seconds < 90 ? `약 ${seconds}초 남음` : `약 ${Math.round(seconds / 60)}분 남음`),
    stop: '멈추기',
    goOn: '계속하기',
    another: '다른 파일 가져오기',
    outcomes: { IMPORTED: '새로 등록', UPDATED: '수정', UNCHANGED: '변경 없음', LEFT_OUT: '제외' },
    remarks: '제외된 내용',
    first: (shown: string, all: string) => `전체 ${all}건 중 ${shown}건만 표시합니다. 전체 내용은 파일로 받으세요.`,
    download: 'CSV로 받기',
    line: '줄',
    outcome: '처리 결과',
    reason: '사유',
    lines: (from: string, to: string, text: string) => `${from}~${to}번째 줄: ${text}`,
    brokenLines: (from: string, to: string) => `${from}~${to}번째 줄을 가져오던 중이었습니다.`,
    whys: {
      COLUMNS: '열의 수가 첫 줄과 다릅니다',
      QUOTE: '따옴표가 빠졌거나 더 있습니다',
      QUOTE_NOT_CLOSED: '따옴표가 닫히지 않았습니다',
      NOT_TEXT: 'UTF-8 텍스트가 아닙니다',
      TOO_LONG: '너무 길어서 보낼 수 없습니다',
      REFUSED: '서점에서 받을 수 없는 내용입니다',
    },
  },
});

const outcomes = ['IMPORTED', 'UPDATED', 'UNCHANGED', 'LEFT_OUT'] as const;
const SHOWN = 100;

export function ImportProgress({
  of: { fileName, state, total, counts, remarks, problem, brokenLines, tookMs },
}: {
  of: Import;
}) {
  const words = useWords();
  const format = useFormat();
  const done = outcomes.reduce((sum, outcome) => sum + counts[outcome], 0);
  const aSecond = (done * 1000) / Math.max(1, tookMs);
  const isOver = state === 'DONE' || state === 'BROKEN';
  return (
    <>
      <section className="import card" aria-label={fileName}>
        <h2>{fileName}</h2>
        <p role="status">{words.states[state]}</p>
        <Problem error={problem} />
        {brokenLines && <p>{words.brokenLines(format.number(brokenLines[0]), format.number(brokenLines[1]))}</p>}
        <progress max={total} value={done} aria-label={fileName} />
        <p className="reading">
          <span>{words.progress(format.number(done), format.number(total))}</span>
          {done > 0 && <span>{words.rate(format.number(Math.round(aSecond)))}</span>}
          {done > 0 && !isOver && <span>{words.left(Math.ceil((total - done) / aSecond))}</span>}
        </p>
        <dl className="tiles">
          {outcomes.map((outcome) => (
            <div key={outcome} className="tile">
              <dt>{words.outcomes[outcome]}</dt>
              <dd>{format.number(counts[outcome])}</dd>
            </div>
          ))}
        </dl>
        <p className="buttons">
          {!isOver && (
            <Button kind={state === 'STOPPED' ? 'main' : 'quiet'} onClick={state === 'STOPPED' ? goOn : stopImport}>
              {state === 'STOPPED' ? words.goOn : words.stop}
            </Button>
          )}
          {(isOver || state === 'STOPPED') && <Button onClick={leaveImport}>{words.another}</Button>}
        </p>
      </section>
      {remarks.length > 0 && <Remarks of={remarks} fileName={fileName} />}
    </>
  );
}

function Remarks({ of: remarks, fileName }: { of: readonly Remark[]; fileName: string }) {
  const words = useWords();
  const format = useFormat();
  const inWords = (said: string | Unreadable): string => {
    if (typeof said === 'string') return said;
    const { line, to, why } = said;
    return to > line ? words.lines(format.number(line), format.number(to), words.whys[why]) : words.whys[why];
  };
  return (
    <section className="part" aria-labelledby="remarks">
      <header className="heading">
        <h2 id="remarks">{words.remarks}</h2>
        <Button
          onClick={() => {
            const head = [words.line, words.outcome, words.reason];
            const rows = remarks.map(({ line, outcome, said }) => [
              String(line),
              words.outcomes[outcome],
              inWords(said),
            ]);
            download(`${fileName.replace(/\.csv$/i, '')}-remarks.csv`, 'text/csv', csvOf([head, ...rows]));
          }}
        >
          {words.download}
        </Button>
      </header>
      {remarks.length > SHOWN && <p>{words.first(format.number(SHOWN), format.number(remarks.length))}</p>}
      <div className="table">
        <table>
          <thead>
            <tr>
              <th scope="col" className="number">
                {words.line}
              </th>
              <th scope="col">{words.outcome}</th>
              <th scope="col">{words.reason}</th>
            </tr>
          </thead>
          <tbody>
            {remarks.slice(0, SHOWN).map(({ line, outcome, said }) => (
              <tr key={`${line} ${inWords(said)}`}>
                <td className="number">{format.number(line)}</td>
                <td>{words.outcomes[outcome]}</td>
                <td>{inWords(said)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** With a byte order mark, by which a spreadsheet knows UTF-8. */
const csvOf = (rows: readonly string[][]): string =>
  `\uFEFF${rows.map((row) => `${row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')}\r\n`).join('')}`;
