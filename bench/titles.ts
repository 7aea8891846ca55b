/** A catalogue of any size: each further title takes its beginning from one book, its end from another, its author from a third. */
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import type { Pool } from 'pg';
import { facetsOf, isbn13, normalize, searchTextOf } from '../subgraphs/book/book.ts';
import { bookIn, type Row } from '../subgraphs/book/goodbooks.ts';

/** A book that others are made of. */
export interface Model {
  title: string;
  authors: string[];
  publisher: string;
  tags: string[];
  language: string;
  year: number;
  isbn: string;
}

type Draft = Omit<Model, 'isbn'>;

const WORDS = 9000;
const MODELS = 9000;
const KOREAN_MODELS = 1000;
const AUTHORS = 4000;

/** Of English titles, the most frequent first. */
const frequent =
  'the of a and in to for on my with from love life is night you girl at book dark all one house time world game war heart it last lost blood story new day king fire be secret i we not red black white other man me little death who wild'.split(
    ' ',
  );
const onsets = 'b c d f g h j k l m n p r s t v w br ch cl dr fl gr pl sh st th tr'.split(' ');
const vowels = 'a e i o u ai ea ee ou'.split(' ');
const codas = ['', 'n', 'r', 's', 'l', 't', 'm', 'ck', 'nd', 'st', 'ng'];
const tagNames =
  'fiction fantasy history romance mystery classics poetry science biography children travel cooking art philosophy thriller essays drama war music nature'.split(
    ' ',
  );
const koreanNouns =
  '바람 하늘 토지 소설 사랑 노래 나무 바다 기억 시간 아침 저녁 꽃 별 길 집 강 산 밤 눈 봄 여름 가을 겨울 마음 얼굴 이름 편지 사람 아이 어머니 아버지 친구 나라 도시 마을 학교 역사 철학 과학 요리 여행 그림 음악 영화 세계 미래 전쟁 평화 자유 꿈 빛 그림자 거울 문 창 책 서점 도서관 정원 숲 섬 배 기차 자전거 고양이 강아지 새 나비'.split(
    ' ',
  );
const koreanLinks = ['의', '와 ', '에서 ', '은 ', ' '];
const koreanFamilies = [...'김이박최정강조윤장임한오서신권황안송류홍'];
const koreanNames = [...'민서지훈수빈예준하윤도현은경미영주호성진우태연소희정아'];

/** The same numbers in each run. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Random = () => number;

/** One of them, the first most often: after Zipf, as words and authors are. */
export const zipfOf =
  <T>(random: Random, values: readonly T[]) =>
  (): T =>
    values[Math.floor(values.length ** random()) - 1] as T; // from 1 to the length

const anyOf = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** Out of word lists, where there is no file. */
function inventedModels(random: Random): Draft[] {
  const word = () => {
    const syllables = 1 + Math.floor(random() * 3);
    return Array.from(
      { length: syllables },
      () => anyOf(random, onsets) + anyOf(random, vowels) + anyOf(random, codas),
    ).join('');
  };
  const words = [...new Set([...frequent, ...Array.from({ length: WORDS }, word)])];
  const author = Array.from({ length: AUTHORS }, () => `${capital(word())} ${capital(word())}`);
  const [nextWord, nextAuthor, nextTag] = [words, author, tagNames].map((values) => zipfOf(random, values)) as [
    () => string,
    () => string,
    () => string,
  ];
  return Array.from({ length: MODELS }, () => ({
    title: Array.from({ length: 2 + Math.floor(random() * 6) }, nextWord)
      .map(capital)
      .join(' '),
    authors: Array.from({ length: random() < 0.25 ? 2 : 1 }, nextAuthor),
    publisher: `${anyOf(random, author).split(' ')[1]} Press`,
    tags: [nextTag(), nextTag()],
    language: 'en',
    year: 2017 - Math.floor(80 * random() ** 2),
  }));
}

function koreanModels(random: Random): Draft[] {
  const noun = zipfOf(random, koreanNouns);
  const name = () => anyOf(random, koreanFamilies) + anyOf(random, koreanNames) + anyOf(random, koreanNames);
  return Array.from({ length: KOREAN_MODELS }, () => ({
    title: `${noun()}${anyOf(random, koreanLinks)}${noun()} ${noun()}`,
    authors: [name()],
    publisher: `${noun()}출판사`,
    tags: [anyOf(random, ['소설', '시', '고전', '역사', '수필'])],
    language: 'ko',
    year: 2017 - Math.floor(60 * random() ** 2),
  }));
}

/** The books of a file in the format of goodbooks-10k. It has neither publishers nor tags: they are added. */
async function modelsIn(file: string, random: Random): Promise<Draft[]> {
  const models: Draft[] = [];
  const nextTag = zipfOf(random, tagNames);
  const rows: AsyncIterable<Row> = createReadStream(file).pipe(parse({ columns: true }));
  for await (const row of rows) {
    const input = bookIn(row, 'KRW')?.input;
    if (!input) continue;
    models.push({
      title: input.title,
      authors: input.authors,
      publisher: `${input.authors[0]?.split(' ').at(-1)} Press`,
      tags: [nextTag(), nextTag()],
      language: input.language ?? 'en',
      year: input.publishedYear ?? 2000,
    });
  }
  return models;
}

/** Most popular first, a tenth of them Korean. */
export async function modelsFor(file: string | undefined): Promise<Model[]> {
  const random = createRandom(1);
  const models = [...(file ? await modelsIn(file, random) : inventedModels(random))];
  const korean = koreanModels(random);
  const every = Math.floor(models.length / korean.length);
  return korean
    .flatMap((model, place) => [...models.slice(place * every, (place + 1) * every), model])
    .concat(models.slice(korean.length * every))
    .map((draft, place) => ({ ...draft, isbn: isbnOf(place + 1) }));
}

/** As the statement below has it. */
function isbnOf(number: number): string {
  const body = `978${String((number * 104_729) % 1_000_000_000).padStart(9, '0')}`;
  return [...'0123456789'].map((digit) => body + digit).find((isbn) => isbn13(isbn)) ?? '';
}

/** Fills an empty catalogue; its indexes are there at the end, and its statistics. */
export async function fillCatalogue(pool: Pool, models: readonly Model[], count: number): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(
      `CREATE TEMPORARY TABLE model (number int PRIMARY KEY, korean boolean, title text, plain text, head text, head_plain text, tail text,
         tail_plain text, authors text[], publisher text, tags text[], language text, year int, rest text, facets text[])`,
    );
    await client.query('INSERT INTO model SELECT * FROM json_populate_recordset(NULL::model, $1)', [
      JSON.stringify(models.map(recordOf)),
    ]);
    const { rows: indexes } = await client.query(
      `SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'book' AND indexdef LIKE '% USING gin %'`,
    );
    for (const { indexname } of indexes) await client.query(`DROP INDEX ${indexname}`); // quicker built than grown
    await client.query('SELECT setseed(0.5)');
    await client.query(FILL, [count, models.length]);
    await client.query("SET maintenance_work_mem = '1GB'");
    for (const { indexdef } of indexes) await client.query(indexdef);
    await client.query('VACUUM ANALYZE book');
  } finally {
    client.release(true);
  }
}

function recordOf(model: Model, place: number) {
  const { title, authors, publisher, tags, language, year } = model;
  const words = title.split(' ');
  const half = Math.ceil(words.length / 2);
  const [head, tail] = [words.slice(0, half).join(' '), words.slice(half).join(' ')];
  return {
    number: place + 1,
    korean: language === 'ko',
    title,
    plain: normalize(title),
    head,
    head_plain: normalize(head),
    tail,
    tail_plain: normalize(tail),
    authors,
    publisher,
    tags,
    language,
    year,
    rest: searchTextOf({ ...model, title: '', isbn: null }),
    facets: facetsOf(model),
  };
}

/** The models themselves come first. Heads, tails and authors are of one kind: Korean with Korean. */
const FILL = `
  WITH drawn AS MATERIALIZED (
    SELECT n, 1 + floor(random() * $2)::int AS a, random() AS b, random() AS c, floor(random() * 8)::int AS copies,
      lpad((n::bigint * 104729 % 1000000000)::text, 9, '0') AS body,
      CASE WHEN n <= $2 THEN 4000000 / n ELSE (400 / (0.001 + random()))::int END AS popularity
    FROM generate_series(1, $1::int) AS n
  ), kinds AS MATERIALIZED (
    SELECT korean, array_agg(number) AS numbers, count(*) AS count FROM model GROUP BY korean
  ), placed AS MATERIALIZED (
    SELECT drawn.*, a.number AS head_of, kinds.numbers[1 + floor(b * kinds.count)::int] AS tail_of,
      CASE WHEN n <= $2 THEN n ELSE kinds.numbers[1 + floor(c * kinds.count)::int] END AS rest_of
    FROM drawn JOIN model a ON a.number = CASE WHEN n <= $2 THEN n ELSE a END JOIN kinds USING (korean)
  ), made AS (
    SELECT n, popularity, copies, other.authors, other.publisher, other.year, other.language, other.tags, other.rest, other.facets,
      CASE WHEN n <= $2 THEN a.title ELSE concat_ws(' ', nullif(a.head, ''), nullif(b.tail, '')) END AS whole,
      CASE WHEN n <= $2 THEN a.plain ELSE concat_ws(' ', nullif(a.head_plain, ''), nullif(b.tail_plain, '')) END AS whole_plain,
      '978' || body || (10 - (38 + 3 * (d[1] + d[3] + d[5] + d[7] + d[9]) + d[2] + d[4] + d[6] + d[8]) % 10) % 10 AS isbn
    FROM placed JOIN model a ON a.number = head_of JOIN model b ON b.number = tail_of JOIN model other ON other.number = rest_of
      CROSS JOIN LATERAL (SELECT string_to_array(body, NULL)::int[] AS d) AS digits
  )
  INSERT INTO book (id, isbn, title, authors, publisher, published_year, language, tags, status, fee_amount, fee_currency, available, reserved,
    "out", inspecting, popularity, search_title, search_text, facets, version)
  SELECT gen_random_uuid(), isbn, whole, authors, publisher, year - n % 5, language, tags, 'LISTED', 3000, 'KRW', copies, 0, 0, 0, popularity,
    whole_plain, ' ' || whole_plain || rest || ' ' || isbn, facets, 1
  FROM made`;
