import { Migration } from '@mikro-orm/migrations';

export class CreateAdmission extends Migration {
  override up(): void {
    this.addSql('ALTER TABLE rental ADD COLUMN retry_at timestamptz(3), ADD COLUMN held_since timestamptz(3)');
    this.addSql(`UPDATE rental SET held_since = changed_at, lease_until = NULL WHERE status = 'ON_HOLD'`);

    // The order of draining; with the id in it, positions are read from the index alone.
    this.addSql(`CREATE INDEX rental_held ON rental (round, number) INCLUDE (id) WHERE status = 'ON_HOLD'`);
    this.addSql(`CREATE INDEX rental_held_by_customer ON rental (customer_id, round) WHERE status = 'ON_HOLD'`);
    this.addSql(`CREATE INDEX rental_held_since ON rental (held_since) WHERE status = 'ON_HOLD'`);
    this.addSql(`CREATE INDEX rental_leased ON rental (lease_until) WHERE status = 'REQUESTED'`);
    this.addSql('DROP INDEX rental_unsettled');

    this.addSql('ALTER TABLE step ALTER COLUMN next_attempt_at SET DEFAULT clock_timestamp()');

    // One row: what the replicas have learnt together.
    this.addSql(`CREATE TABLE admission (
      id boolean PRIMARY KEY DEFAULT true CHECK (id),
      cap int NOT NULL,
      "limit" double precision NOT NULL,
      settle_ms double precision
    )`);
  }
}
