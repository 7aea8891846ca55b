import { Migration } from '@mikro-orm/migrations';

/** References are checked at the commit: within a transaction rows may be written in any order. */
export class CreateCourier extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE parcel (
      tracking_number text PRIMARY KEY,
      key text NOT NULL UNIQUE,
      booking jsonb NOT NULL,
      tracking_url text NOT NULL,
      estimated_at timestamptz(3) NOT NULL,
      status text NOT NULL,
      scans int NOT NULL,
      next_scan_at timestamptz(3),
      stop_key text,
      report_attempts int NOT NULL,
      report_after timestamptz(3) NOT NULL
    ) WITH (fillfactor = 70)`);
    this.addSql('CREATE INDEX parcel_due ON parcel (next_scan_at) WHERE next_scan_at IS NOT NULL');
    // Deferred: a parcel and its first scan are written together, in whatever order.
    this.addSql(`CREATE TABLE scan (
      id uuid PRIMARY KEY,
      tracking_number text NOT NULL REFERENCES parcel DEFERRABLE INITIALLY DEFERRED,
      number int NOT NULL,
      status text NOT NULL,
      note text NOT NULL,
      occurred_at timestamptz(3) NOT NULL,
      to_report boolean NOT NULL,
      UNIQUE (tracking_number, number)
    )`);
    this.addSql('CREATE INDEX scan_to_report ON scan (tracking_number) WHERE to_report');
  }
}
