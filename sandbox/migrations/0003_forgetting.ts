import { Migration } from '@mikro-orm/migrations';

/** Parcels from before have no fingerprint, and are known by their key alone. */
export class Forgetting extends Migration {
  override up(): void {
    this.addSql(
      `ALTER TABLE parcel ALTER COLUMN booking DROP NOT NULL, ADD COLUMN fingerprint text NOT NULL DEFAULT ''`,
    );
    this.addSql('UPDATE parcel SET booking = NULL WHERE next_scan_at IS NULL');
  }
}
