import { Migration } from '@mikro-orm/migrations';

/** What the daily report sums up. A reservation writes lines of neither kind, so these indexes cost it nothing. */
export class Report extends Migration {
  override up(): void {
    this.addSql(`CREATE INDEX stock_movement_issues ON stock_movement (occurred_at) INCLUDE (quantity)
      WHERE type = 'ISSUE'`);
    this.addSql(`CREATE INDEX stock_movement_owned ON stock_movement (occurred_at) INCLUDE (from_bucket, quantity)
      WHERE from_bucket = 'OUTSIDE' OR to_bucket = 'OUTSIDE'`);
  }
}
