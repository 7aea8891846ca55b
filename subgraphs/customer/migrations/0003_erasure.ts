import { Migration } from '@mikro-orm/migrations';

/** What is left of an erased account is its id and its version, which no other account may begin anew. */
export class Erasure extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE erasure_wish (
      customer_id uuid PRIMARY KEY,
      attempts int NOT NULL,
      next_attempt_at timestamptz(3) NOT NULL
    )`);
    this.addSql(`CREATE TABLE erased_customer (
      id uuid PRIMARY KEY,
      version int NOT NULL,
      erased_at timestamptz(3) NOT NULL
    )`);
    this.addSql(`CREATE VIEW customer_version AS
      SELECT id, version FROM customer UNION ALL SELECT id, version FROM erased_customer`);
  }
}
