import { Migration } from '@mikro-orm/migrations';

/** The lines of the ledger that somebody wrote a remark on are few, so that index costs a reservation nothing. */
export class Erasure extends Migration {
  override up(): void {
    this.addSql('CREATE INDEX reservation_by_customer ON reservation (customer_id, id)');
    this.addSql(`CREATE INDEX stock_movement_remarks ON stock_movement (rental_id)
      WHERE rental_id IS NOT NULL AND reason IS NOT NULL`);
  }
}
