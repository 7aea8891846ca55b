/** Some books, by which a search foresees how many match: what it finds does not depend on them, only how. */
import { type EntityManager, query } from '#platform/database.ts';

export interface Sampled {
  title: string;
  text: string;
  facets: string[];
  status: string;
  available: number;
  publishedYear: number | null;
}

export interface Sample {
  books: Sampled[];
  /** Of the whole catalogue. */
  size: number;
}

export type Sampling = () => Promise<Sample>;

/** A share of one percent is seen in five of them. */
const BOOKS = 500;
const FRESH_MS = 60_000;

/** One for each process. Read anew when it is asked for after a minute. */
export function sampleOf(em: () => EntityManager): Sampling {
  let sample: Promise<Sample> | undefined;
  let staleAt = 0;
  return () => {
    if (!sample || Date.now() > staleAt) {
      staleAt = Date.now() + FRESH_MS;
      sample = readSample(em());
      sample.catch(() => (sample = undefined)); // whoever waits for it is told
    }
    return sample;
  };
}

async function readSample(em: EntityManager): Promise<Sample> {
  const [table] = await query<{ size: number }>(
    em,
    `SELECT reltuples::float8 AS size FROM pg_class WHERE oid = 'book'::regclass`,
  );
  const size = Math.max(0, table?.size ?? 0); // -1 where nobody has counted yet
  const percent = Math.min(100, (100 * BOOKS) / (size || 1));
  const books = await query<Sampled>(
    em,
    `SELECT search_title AS title, search_text AS text, facets, status, available, published_year AS "publishedYear"
     FROM book TABLESAMPLE SYSTEM ($1) LIMIT ${2 * BOOKS}`,
    [percent],
  );
  return { books, size: Math.max(size, books.length) };
}
