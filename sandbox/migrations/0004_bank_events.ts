import { Migration } from '@mikro-orm/migrations';

export class CreateBankEvents extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE bank_event (
      id text PRIMARY KEY,
      type text NOT NULL,
      object jsonb NOT NULL,
      created_at timestamptz(3) NOT NULL,
      attempts int NOT NULL,
      send_after timestamptz(3) NOT NULL
    )`);
    this.addSql('CREATE INDEX bank_event_due ON bank_event (send_after)');
  }
}
