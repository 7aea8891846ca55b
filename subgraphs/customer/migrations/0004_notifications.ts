import { Migration } from '@mikro-orm/migrations';

/**
 * What customers are to be told, a row for each channel. `due_told_at` is the due date that a loan was last looked at for: the
 * sweep's index holds only those it has not seen, and costs others an entry for each loan and renewal.
 */
export class Notifications extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE notification (
      id uuid PRIMARY KEY,
      channel text NOT NULL,
      kind text NOT NULL,
      subject uuid NOT NULL,
      occasion text NOT NULL,
      customer_id uuid NOT NULL,
      book_id uuid NOT NULL,
      refund jsonb,
      status text NOT NULL,
      attempts int NOT NULL,
      next_attempt_at timestamptz(3) NOT NULL,
      created_at timestamptz(3) NOT NULL,
      settled_at timestamptz(3),
      UNIQUE (kind, subject, occasion, channel)
    ) WITH (fillfactor = 70)`);
    this.addSql(`CREATE INDEX notification_due ON notification (channel, next_attempt_at) WHERE status = 'TODO'`);
    this.addSql('CREATE INDEX notification_by_customer ON notification (customer_id)');

    this.addSql(`CREATE TABLE offer (
      id uuid PRIMARY KEY,
      customer_id uuid NOT NULL,
      book_id uuid NOT NULL,
      status text NOT NULL,
      expires_at timestamptz(3) NOT NULL
    ) WITH (fillfactor = 70)`);
    this.addSql('CREATE INDEX offer_by_customer ON offer (customer_id)');

    this.addSql('ALTER TABLE customer_order ADD COLUMN due_told_at timestamptz(3)');
    this.addSql(`CREATE INDEX customer_order_due ON customer_order (due_at)
      WHERE status = 'ON_LOAN' AND due_told_at IS DISTINCT FROM due_at`);
  }
}
