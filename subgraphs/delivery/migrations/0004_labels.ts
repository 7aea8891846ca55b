import { Migration } from '@mikro-orm/migrations';

/** Beside those who serve: a label is scanned, and its parcel found whatever the case of its letters. */
export class Labels extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql('DROP INDEX IF EXISTS delivery_by_label'); // of a try that was broken off
    this.addSql('CREATE INDEX CONCURRENTLY delivery_by_label ON delivery (upper(tracking_number))');
    this.addSql('ANALYZE delivery'); // without it so many rows are expected of one label that the list is read through
  }
}
