/** `importBooks`: a catalogue file that the back office reads in a browser, and sends some rows at a time. */
import { z } from 'zod';
import { type EntityManager, query } from '#platform/database.ts';
import { checkInput } from '#platform/errors.ts';
import type { Viewer } from '#platform/tokens.ts';
import type { Row } from './goodbooks.ts';
import { createImport, type FileRow, type Report, tally } from './importRows.ts';

/** As schema.graphql has it; each holds the locks of its books until all are stored. */
const MAX_ROWS = 200;

const cell = z
  .string()
  .nullish()
  .transform((text) => text ?? '');

const rowInput = z
  .object({
    line: z.int(),
    bookId: z.string(),
    isbn: cell,
    authors: cell,
    originalPublicationYear: cell,
    title: z.string(),
    languageCode: cell,
    ratingsCount: cell,
  })
  .transform(({ line, ...given }): FileRow => {
    const row: Row = {
      book_id: given.bookId,
      isbn: given.isbn,
      authors: given.authors,
      original_publication_year: given.originalPublicationYear,
      title: given.title,
      language_code: given.languageCode,
      ratings_count: given.ratingsCount,
    };
    return { line, row };
  });

const importBooksInput = z.object({
  rows: z.array(rowInput).max(MAX_ROWS, `At most ${MAX_ROWS} rows at once.`),
});

/** One report for each row, in their order. @throws Refusal INVALID_INPUT. */
export async function importBooks(
  em: EntityManager,
  input: unknown,
  currency: string,
  viewer: Viewer,
): Promise<Report[]> {
  const { rows } = checkInput(importBooksInput, input);
  const reports = await createImport(em, currency, viewer)(rows);
  const { imported, updated } = tally(reports);
  if (imported + updated) await query(em, MERGE_INDEXES);
  const place = new Map(rows.map(({ line }, place) => [line, place]));
  return reports.toSorted((a, b) => (place.get(a.line) ?? 0) - (place.get(b.line) ?? 0));
}

/** What is not yet merged into the index of the search makes each one slow, until a vacuum. */
const MERGE_INDEXES =
  "SELECT gin_clean_pending_list('book_search'), gin_clean_pending_list('book_search_pieces'), gin_clean_pending_list('book_facets')";
