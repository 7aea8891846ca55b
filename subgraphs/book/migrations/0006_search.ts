import { Migration } from '@mikro-orm/migrations';

/** Each letter, and each two of a word in a row: what trigrams know nothing of, and most Korean nouns are made of. */
export class SearchPieces extends Migration {
  override up(): void {
    this.addSql(`CREATE FUNCTION search_pieces(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
      SELECT array_agg(letter) || array_agg(rtrim(letter || coalesce(next, '')))
      FROM unnest(string_to_array($1, NULL), (string_to_array($1, NULL))[2:]) AS pair(letter, next) WHERE letter <> ' '
    $$`);
  }
}

/** Beside those who serve. */
export class SearchPiecesIndex extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql('DROP INDEX IF EXISTS book_search_pieces'); // of a try that was broken off
    this.addSql('CREATE INDEX CONCURRENTLY book_search_pieces ON book USING gin (search_pieces(search_text))');
  }
}
