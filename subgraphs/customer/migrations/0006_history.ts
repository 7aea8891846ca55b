import { Migration } from '@mikro-orm/migrations';

/**
 * For the order history: in its order, and in that within each status; with the book, so that a title can be looked for without
 * reading the orders. The second index costs a change of status 0.9 kB of the log that PostgreSQL writes ahead, of 3.4 kB.
 * (At ten million orders: 736 and 831 MB; before, a status that a customer of 400,000 has not took 1.1 s to find nothing.)
 */
export class History extends Migration {
  /** Built beside the orders that come in. */
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    for (const index of ['customer_order_in_history', 'customer_order_in_status'])
      this.addSql(`DROP INDEX IF EXISTS ${index}`); // of a try that was broken off
    this.addSql(`CREATE INDEX CONCURRENTLY customer_order_in_history
      ON customer_order (customer_id, requested_at DESC, id DESC) INCLUDE (book_id)`);
    this.addSql(`CREATE INDEX CONCURRENTLY customer_order_in_status
      ON customer_order (customer_id, status, requested_at DESC, id DESC) INCLUDE (book_id)`);
    this.addSql('DROP INDEX CONCURRENTLY IF EXISTS customer_order_newest');
  }
}
