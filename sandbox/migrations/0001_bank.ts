import { Migration } from '@mikro-orm/migrations';

/** References are checked at the commit: within a transaction rows may be written in any order. */
export class CreateBank extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE payment_intent (
      id text PRIMARY KEY,
      amount int NOT NULL CHECK (amount > 0),
      amount_received int NOT NULL CHECK (amount_received BETWEEN 0 AND amount),
      amount_refunded int NOT NULL CHECK (amount_refunded BETWEEN 0 AND amount_received),
      currency text NOT NULL,
      metadata jsonb NOT NULL,
      status text NOT NULL,
      payment_method text,
      charge_id text,
      decline_code text,
      created_at timestamptz(3) NOT NULL,
      canceled_at timestamptz(3)
    ) WITH (fillfactor = 70)`);
    this.addSql(`CREATE INDEX payment_intent_rental ON payment_intent ((metadata ->> 'rentalId'))`);
    this.addSql(`CREATE TABLE refund (
      id text PRIMARY KEY,
      intent_id text NOT NULL REFERENCES payment_intent DEFERRABLE INITIALLY DEFERRED,
      amount int NOT NULL CHECK (amount > 0),
      created_at timestamptz(3) NOT NULL
    )`);
    this.addSql('CREATE INDEX refund_by_intent ON refund (intent_id)');
    this.addSql(`CREATE TABLE idempotency_key (
      key text PRIMARY KEY,
      fingerprint text NOT NULL,
      status int NOT NULL,
      body jsonb NOT NULL,
      created_at timestamptz(3) NOT NULL
    )`);
  }
}
