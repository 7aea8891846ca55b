import { Migration } from '@mikro-orm/migrations';

export class Owed extends Migration {
  override up(): void {
    // For the operator: how long something has been owed. One value for all rows there are, so the table is not written anew.
    this.addSql('ALTER TABLE step ADD COLUMN owed_since timestamptz(3) NOT NULL DEFAULT now()');
    this.addSql(`CREATE INDEX step_owed ON step (kind, owed_since) WHERE status <> 'DONE'`);
  }
}
