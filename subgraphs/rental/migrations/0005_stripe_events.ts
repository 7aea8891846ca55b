import { Migration } from '@mikro-orm/migrations';

export class CreateStripeEvents extends Migration {
  override up(): void {
    // What Stripe has told, as far as it matters here: its messages may hold names and e-mail addresses.
    this.addSql(`CREATE TABLE stripe_event (
      id text PRIMARY KEY,
      type text NOT NULL,
      created_at timestamptz(3) NOT NULL,
      intent_id text,
      rental_id uuid,
      key text,
      status text,
      amount bigint,
      amount_refunded bigint,
      received_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
      outcome text,
      attempts int NOT NULL DEFAULT 0,
      next_attempt_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
    ) WITH (fillfactor = 70)`);
    this.addSql('CREATE INDEX stripe_event_due ON stripe_event (next_attempt_at) WHERE outcome IS NULL');
    this.addSql('CREATE INDEX stripe_event_done ON stripe_event (received_at) WHERE outcome IS NOT NULL');
  }
}
