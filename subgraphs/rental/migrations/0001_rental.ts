import { Migration } from '@mikro-orm/migrations';

/** References are checked at the commit: within a transaction rows may be written in any order. */
export class CreateRental extends Migration {
  override up(): void {
    // A row to lock: what is limited per customer is checked under it.
    this.addSql('CREATE TABLE customer (id uuid PRIMARY KEY)');
    this.addSql(`CREATE TABLE rental (
      id uuid PRIMARY KEY,
      number bigint GENERATED ALWAYS AS IDENTITY,
      customer_id uuid NOT NULL REFERENCES customer DEFERRABLE INITIALLY DEFERRED,
      idempotency_key text NOT NULL,
      fingerprint text NOT NULL,
      book_id uuid NOT NULL,
      quantity int NOT NULL CHECK (quantity > 0),
      total_amount int CHECK (total_amount >= 0),
      currency text NOT NULL,
      payment_method text NOT NULL,
      deliver_to jsonb,
      status text NOT NULL,
      rejection text,
      hold_reason text,
      round int,
      lease_until timestamptz(3),
      holds int NOT NULL,
      out_for_delivery boolean NOT NULL,
      return_requested boolean NOT NULL,
      inspected boolean NOT NULL,
      cancel_reason text,
      requested_at timestamptz(3) NOT NULL,
      changed_at timestamptz(3) NOT NULL,
      accepted_at timestamptz(3),
      due_at timestamptz(3),
      closed_at timestamptz(3),
      renewals int NOT NULL,
      version int NOT NULL,
      UNIQUE (customer_id, idempotency_key)
    ) WITH (fillfactor = 70)`);
    this.addSql(`CREATE INDEX rental_unsettled ON rental (round, number) WHERE status IN ('REQUESTED', 'ON_HOLD')`);
    this.addSql('CREATE INDEX rental_newest ON rental (requested_at DESC, id DESC)');
    this.addSql('CREATE INDEX rental_by_customer ON rental (customer_id, requested_at DESC, id DESC)');
    this.addSql('CREATE INDEX rental_by_book ON rental (book_id, requested_at DESC, id DESC)');

    this.addSql(`CREATE TABLE payment (
      id uuid PRIMARY KEY REFERENCES rental DEFERRABLE INITIALLY DEFERRED,
      status text NOT NULL,
      intent_id text,
      currency text NOT NULL,
      authorized int NOT NULL CHECK (authorized >= 0),
      captured int NOT NULL CHECK (captured BETWEEN 0 AND authorized),
      refunded int NOT NULL CHECK (refunded BETWEEN 0 AND captured),
      decline_code text,
      version int NOT NULL
    ) WITH (fillfactor = 70)`);

    this.addSql(`CREATE TABLE step (
      rental_id uuid NOT NULL REFERENCES rental DEFERRABLE INITIALLY DEFERRED,
      kind text NOT NULL,
      status text NOT NULL,
      attempts int NOT NULL,
      next_attempt_at timestamptz(3) NOT NULL,
      PRIMARY KEY (rental_id, kind)
    )`);
    this.addSql(`CREATE INDEX step_due ON step (next_attempt_at) WHERE status = 'TODO'`);

    this.addSql(`CREATE TABLE book (
      id uuid PRIMARY KEY,
      status text NOT NULL,
      fee_amount int NOT NULL,
      fee_currency text NOT NULL
    )`);
  }
}
