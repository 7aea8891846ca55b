import { rowsOf, WrongFile } from './csvRows.ts';

type Part = string | Uint8Array<ArrayBuffer>;
const HEADER = 'book_id,isbn,authors,original_publication_year,title,language_code,ratings_count,image_url';

async function read(...parts: Part[]) {
  const found = [];
  for await (const row of rowsOf(new Blob(parts))) found.push(row);
  return found;
}

/** What is said against the file. */
async function faultOf(...parts: Part[]) {
  const error = await read(...parts).catch((error: unknown) => error);
  return error instanceof WrongFile ? error.fault : error;
}

test('each row is what the API takes, with its line; columns that nobody asked for are left out', async () => {
  expect(
    await read(`\uFEFF${HEADER}\r\n1,439023483,"Suzanne Collins",2008.0,"The Hunger Games, #1",eng,4780653,x\r\n`),
  ).toEqual([
    {
      line: 2,
      bookId: '1',
      isbn: '439023483',
      authors: 'Suzanne Collins',
      originalPublicationYear: '2008.0',
      title: 'The Hunger Games, #1',
      languageCode: 'eng',
      ratingsCount: '4780653',
    },
  ]);
});

test('a row with a NUL is left out, since the API would refuse all that are sent with it', async () => {
  const found = await read(`${HEADER}\n1,,a,,O\0e,,,\n2,,b,,Two,,,\n`);

  expect(found).toEqual([{ line: 2, to: 2, why: 'NOT_TEXT' }, expect.objectContaining({ line: 3, bookId: '2' })]);
});

/** The lines of rows, and what is between them, of a file with CR LF and of the same with LF. */
async function linesOf(...lines: string[]) {
  const [found, ofWindows] = await Promise.all(
    ['\n', '\r\n'].map(async (end) =>
      (await read([HEADER, ...lines, ''].join(end))).map((row) => ('why' in row ? row : row.line)),
    ),
  );
  expect(ofWindows).toEqual(found);
  return found;
}

test('a line that is no row is told with its number, and the rows around it are read', async () => {
  expect(
    await linesOf('1,,a,,One,,,', '', '2,too,few', '3,too,few', '', '4,,d,,"Four', '', 'lines",,,', '5,,,,Five,,,'),
  ).toEqual([2, { line: 4, to: 4, why: 'COLUMNS' }, { line: 5, to: 5, why: 'COLUMNS' }, 7, 10]);
});

test('of a quote that is wrong all lines are told that it costs', async () => {
  const row = '1,,a,,One,,,';

  expect(await linesOf(row, '2,,a,,T"wo,,,', row)).toEqual([2, { line: 3, to: 3, why: 'QUOTE' }, 4]);
  expect(await linesOf(row, '2,,a,,"Two,,,', row, '', '3,,a,,"Three",,,', row)).toEqual([
    2,
    { line: 3, to: 6, why: 'QUOTE' },
    7,
  ]);
  expect(await linesOf(row, '2,,a,,"Tw"o,,,', row, '3,,a,,"Three",,,', row)).toEqual([
    2,
    { line: 3, to: 5, why: 'QUOTE' },
    6,
  ]);
  expect(await linesOf(row, '', '2,,a,,"Two,,,', row, row)).toEqual([2, { line: 4, to: 6, why: 'QUOTE_NOT_CLOSED' }]);
});

test('a letter may lie across two pieces of the file', async () => {
  const rows = Array.from({ length: 5000 }, (_, row) => `${row + 1},,한강,,소년이 온다,ko,,`);

  const found = await read(`${HEADER}\n${rows.join('\n')}`);

  expect(found).toHaveLength(5000);
  expect(found.at(-1)).toMatchObject({ line: 5001, title: '소년이 온다' });
});

test('a file that is none of these is refused, with what is wrong with it', async () => {
  for (const nothing of ['', '\uFEFF', '\n\n']) expect(await faultOf(nothing)).toEqual({ kind: 'EMPTY' });
  expect(await faultOf('id,name\n1,One\n')).toMatchObject({
    kind: 'NO_COLUMN',
    missing: expect.arrayContaining(['book_id', 'title']),
  });
  const korean = new Uint8Array([0xbc, 0xd2, 0xb3, 0xe2]); // in EUC-KR, as spreadsheets write it
  const rows = '1,,a,,One,,,\n'.repeat(5000);
  expect(await faultOf(`${HEADER}\n${rows}1,,a,,`, korean, ',,,\n')).toEqual({ kind: 'NOT_UTF8', line: 5002 });
  expect(await faultOf(`${HEADER}\n`, korean.subarray(0, 1))).toEqual({ kind: 'NOT_UTF8', line: 2 });
});
