/** A catalogue file in the format of goodbooks-10k: looked through first, then imported some rows at a time. */
import { useEffect, useRef, useState } from 'react';
import { useClient } from 'urql';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Button, Field } from '../pieces/form.tsx';
import { Page } from '../pieces/page.tsx';
import { rowsOf, WrongFile } from './csvRows.ts';
import { ImportBooksDocument } from './importBooks.generated.ts';
import { ImportProgress } from './importProgress.tsx';
import { startImport, useImport } from './importRun.ts';

const useWords = wordsOf({
  en: {
    title: 'Import books',
    about:
      'A CSV file in the format of goodbooks-10k, with a header and in UTF-8. New titles get their copies and their fee by their rank; of those that are here, what the file knows better is changed. The same file again changes nothing.',
    file: 'CSV file',
    drop: 'Choose it, or drop it here.',
    looking: (rows: string) => `Looking through the file: ${rows} rows so far…`,
    ready: (name: string, rows: string) => `${name} has ${rows} rows.`,
    start: 'Import',
    EMPTY: 'There is nothing in this file.',
    NOT_UTF8: (line: string) =>
      `This file is not in UTF-8: see line ${line}. In a spreadsheet, save it as “CSV UTF-8”. Nothing was imported.`,
    NO_COLUMN: (columns: string) =>
      `This is not a goodbooks-10k file: it has no column ${columns}. Nothing was imported.`,
    unreadable: 'This file cannot be read.',
  },
  ko: {
    title: '도서 가져오기',
    about:
      '첫 줄에 열 이름이 있는 UTF-8 CSV 파일(goodbooks-10k 형식)을 가져옵니다. 새 책은 순위에 따라 권수와 대여료가 정해지고, 이미 있는 책은 파일의 정보로 보완됩니다. 같은 파일을 다시 가져와도 달라지지 않습니다.',
    file: 'CSV 파일',
    drop: '파일을 선택하거나 여기로 끌어다 놓으세요.',
    looking: (rows: string) => `파일을 확인하는 중입니다. 지금까지 ${rows}줄…`,
    ready: (name: string, rows: string) => `${name}: ${rows}줄`,
    start: '가져오기',
    EMPTY: '파일에 내용이 없습니다.',
    NOT_UTF8: (line: string) =>
      `UTF-8 파일이 아닙니다(${line}번째 줄). 스프레드시트에서 “CSV UTF-8” 형식으로 저장해 주세요. 아무것도 가져오지 않았습니다.`,
    NO_COLUMN: (columns: string) =>
      `goodbooks-10k 형식의 파일이 아닙니다. 없는 열: ${columns}. 아무것도 가져오지 않았습니다.`,
    unreadable: '파일을 읽을 수 없습니다.',
  },
});

/** What is known of the chosen file; `rows` while it is looked through are those so far. */
type Looked = { file: File; rows: number; state: 'LOOKING' | 'READY' } | { file: File; state: 'WRONG'; error: unknown };
const ROWS_A_LOOK = 1000;

export default function ImportBooks() {
  const words = useWords();
  const running = useImport();
  const place = useRef<HTMLDivElement>(null);
  const isRunning = running !== null;
  const wasRunning = useRef(isRunning);
  useEffect(() => {
    if (wasRunning.current !== isRunning) place.current?.focus(); // the button that was pressed is gone
    wasRunning.current = isRunning;
  }, [isRunning]);
  return (
    <Page title={words.title}>
      <p>{words.about}</p>
      <div ref={place} tabIndex={-1}>
        {running ? <ImportProgress of={running} /> : <ChooseFile />}
      </div>
    </Page>
  );
}

function ChooseFile() {
  const words = useWords();
  const format = useFormat();
  const client = useClient();
  const [looked, setLooked] = useState<Looked>();
  const chosen = useRef<File>();

  async function look(file: File): Promise<void> {
    chosen.current = file;
    const isChosen = () => chosen.current === file; // or else another one is by now
    let rows = 0;
    setLooked({ file, rows, state: 'LOOKING' });
    try {
      for await (const _row of rowsOf(file)) {
        if (++rows % ROWS_A_LOOK) continue;
        if (!isChosen()) return;
        setLooked({ file, rows, state: 'LOOKING' });
      }
      if (!rows) throw new WrongFile({ kind: 'EMPTY' });
      if (isChosen()) setLooked({ file, rows, state: 'READY' });
    } catch (error) {
      if (isChosen()) setLooked({ file, state: 'WRONG', error });
    }
  }

  return (
    <div className="import card">
      <Field
        label={words.file}
        hint={words.drop}
        type="file"
        accept=".csv,text/csv"
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          if (file) void look(file);
        }}
      />
      <p role="status">
        {looked?.state === 'LOOKING' && words.looking(format.number(looked.rows))}
        {looked?.state === 'READY' && words.ready(looked.file.name, format.number(looked.rows))}
      </p>
      {looked?.state === 'WRONG' && <Wrong error={looked.error} />}
      {looked?.state === 'READY' && (
        <Button
          kind="main"
          onClick={() =>
            startImport(looked.file, looked.rows, (rows) =>
              client.mutation(ImportBooksDocument, { input: { rows } }).toPromise(),
            )
          }
        >
          {words.start}
        </Button>
      )}
    </div>
  );
}

function Wrong({ error }: { error: unknown }) {
  const words = useWords();
  const format = useFormat();
  return (
    <div role="alert" className="faults">
      <p>{inWords()}</p>
    </div>
  );

  function inWords(): string {
    if (!(error instanceof WrongFile)) return words.unreadable;
    const { fault } = error;
    if (fault.kind === 'EMPTY') return words.EMPTY;
    if (fault.kind === 'NOT_UTF8') return words.NOT_UTF8(format.number(fault.line));
    return words.NO_COLUMN(fault.missing.join(', '));
  }
}
