import { Migration } from '@mikro-orm/migrations';

/** All of the copies in one list, those first that have been in their status longest: for the inspection desk. */
export class Copies extends Migration {
  override up(): void {
    // One value for all rows there are, so the table is not written anew. It is as long as their status is known.
    this.addSql('ALTER TABLE book_copy ADD COLUMN status_since timestamptz(3) NOT NULL DEFAULT now()');
  }
}

/** What waits for an inspection or a repair came there by a line of the ledger, about that copy or about all of its rental. */
export class CopiesSince extends Migration {
  override up(): void {
    this.addSql(`UPDATE book_copy SET status_since = line.occurred_at
      FROM book_copy AS waiting CROSS JOIN LATERAL (
        SELECT occurred_at FROM stock_movement
        WHERE book_id = waiting.book_id AND to_bucket = 'INSPECTING'
          AND (copy_id = waiting.id OR (copy_id IS NULL AND rental_id = waiting.rental_id))
        ORDER BY id DESC LIMIT 1) AS line
      WHERE waiting.id = book_copy.id AND waiting.status IN ('INSPECTING', 'REPAIR')`);
  }
}

/** Beside those who serve. */
export class CopiesIndexes extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql('DROP INDEX IF EXISTS book_copy_in_status, book_copy_of_rental'); // of a try that was broken off
    this.addSql('CREATE INDEX CONCURRENTLY book_copy_in_status ON book_copy (status, status_since, barcode)');
    this.addSql('CREATE INDEX CONCURRENTLY book_copy_of_rental ON book_copy (rental_id) WHERE rental_id IS NOT NULL');
  }
}
