import { Migration } from '@mikro-orm/migrations';

/**
 * Attempts are counted by account and address (the table of those by account alone is left to the version before). An account of
 * an outside provider has no password. Who has ADMIN is said by the setting `SUPERUSER`, and no longer by a row.
 */
export class Accounts extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE attempt (
      key_hash text PRIMARY KEY,
      attempts int NOT NULL,
      since timestamptz(3) NOT NULL
    ) WITH (fillfactor = 70)`);
    this.addSql('CREATE INDEX attempt_since ON attempt (since)');
    this.addSql('ALTER TABLE customer ALTER COLUMN password_hash DROP NOT NULL');
    this.addSql(`UPDATE customer SET roles = array_remove(roles, 'ADMIN') WHERE 'ADMIN' = ANY (roles)`);
  }
}
