import { Migration } from '@mikro-orm/migrations';

export class Owed extends Migration {
  override up(): void {
    // For the operator: how long something has been owed. One value for all rows there are, so the table is not written anew.
    this.addSql('ALTER TABLE step ADD COLUMN owed_since timestamptz(3) NOT NULL DEFAULT now()');
  }
}

/** Beside those who serve, who write to this table with every request. */
export class OwedIndex extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql('DROP INDEX IF EXISTS step_owed'); // of a try that was broken off
    this.addSql(`CREATE INDEX CONCURRENTLY step_owed ON step (kind, owed_since) WHERE status <> 'DONE'`);
  }
}
