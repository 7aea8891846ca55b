import { Migration } from '@mikro-orm/migrations';

/**
 * A scan is of a parcel here, or of a tracking number that is not known here yet. The first statement of a report finds both, by
 * an index each, so that storing first costs nothing where the parcel is known.
 */
export class Scans extends Migration {
  override up(): void {
    this.addSql(`ALTER TABLE tracking_event
      ALTER COLUMN delivery_id DROP NOT NULL,
      ADD COLUMN tracking_number text,
      ADD COLUMN idempotency_key text,
      ADD CHECK ((delivery_id IS NULL) <> (tracking_number IS NULL))`);
    this.addSql(`CREATE UNIQUE INDEX tracking_event_waiting ON tracking_event (tracking_number, scan_id)
      WHERE tracking_number IS NOT NULL`);
    this.addSql(`CREATE UNIQUE INDEX tracking_event_by_key ON tracking_event (delivery_id, idempotency_key)
      WHERE idempotency_key IS NOT NULL`);
  }
}
