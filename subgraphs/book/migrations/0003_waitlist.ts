import { Migration } from '@mikro-orm/migrations';

/** `number` is the order of joining: it is given under the book's row lock. */
export class Waitlist extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE waitlist_entry (
      id uuid PRIMARY KEY,
      number bigint GENERATED ALWAYS AS IDENTITY,
      book_id uuid NOT NULL REFERENCES book DEFERRABLE INITIALLY DEFERRED,
      customer_id uuid NOT NULL,
      status text NOT NULL,
      joined_at timestamptz(3) NOT NULL,
      offer_expires_at timestamptz(3),
      version int NOT NULL,
      CHECK ((status = 'OFFERED') = (offer_expires_at IS NOT NULL))
    )`);
    this.addSql(`CREATE UNIQUE INDEX waitlist_entry_open ON waitlist_entry (book_id, customer_id)
      WHERE status IN ('WAITING', 'OFFERED')`);
    this.addSql(`CREATE INDEX waitlist_entry_next ON waitlist_entry (book_id, number) WHERE status = 'WAITING'`);
    this.addSql(`CREATE INDEX waitlist_entry_offers ON waitlist_entry (offer_expires_at) WHERE status = 'OFFERED'`);
    this.addSql('CREATE INDEX waitlist_entry_by_customer ON waitlist_entry (customer_id, id)');

    this.addSql('ALTER TABLE reservation ADD issued_at timestamptz(3), ADD returned_at timestamptz(3)');
    // `issued_at` is in no index, so that setting it still touches none.
    this.addSql(`CREATE INDEX reservation_loans ON reservation (book_id, returned_at) WHERE returned_at IS NOT NULL`);
  }
}
