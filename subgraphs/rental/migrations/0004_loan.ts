import { Migration } from '@mikro-orm/migrations';

export class Loan extends Migration {
  override up(): void {
    this.addSql(`ALTER TABLE rental ADD COLUMN return_started_at timestamptz(3), ADD COLUMN findings jsonb,
      ADD COLUMN delivered_at timestamptz(3)`);
    this.addSql('ALTER TABLE payment ADD COLUMN captured_at timestamptz(3), ADD COLUMN refunded_at timestamptz(3)');

    // How a customer stands is asked for at each request.
    this.addSql(`CREATE INDEX rental_open_by_customer ON rental (customer_id)
      WHERE status IN ('REQUESTED', 'ON_HOLD', 'ACCEPTED', 'SHIPPING', 'ON_LOAN', 'OVERDUE', 'RETURNING', 'RETURNED')`);
    // What the clock moves.
    this.addSql(`CREATE INDEX rental_due ON rental (due_at) WHERE status IN ('ON_LOAN', 'OVERDUE')`);
    this.addSql(
      `CREATE INDEX rental_kept ON rental (delivered_at) WHERE status = 'CANCELLED' AND delivered_at IS NOT NULL`,
    );
    // What a day's report counts.
    this.addSql('CREATE INDEX payment_captured ON payment (captured_at) WHERE captured_at IS NOT NULL');
    this.addSql('CREATE INDEX payment_refunded ON payment (refunded_at) WHERE refunded_at IS NOT NULL');

    this.addSql(`CREATE TABLE fee (
      id uuid PRIMARY KEY,
      rental_id uuid NOT NULL REFERENCES rental DEFERRABLE INITIALLY DEFERRED,
      customer_id uuid NOT NULL,
      kind text NOT NULL,
      status text NOT NULL,
      amount int NOT NULL CHECK (amount > 0),
      currency text NOT NULL,
      explanation text NOT NULL,
      copy_id uuid,
      dropped boolean NOT NULL,
      waiver text,
      attempt int NOT NULL,
      payment_method text,
      intent_id text,
      decline_code text,
      next_attempt_at timestamptz(3),
      tries int NOT NULL,
      created_at timestamptz(3) NOT NULL,
      paid_at timestamptz(3),
      refunded_at timestamptz(3),
      version int NOT NULL
    )`);
    this.addSql('CREATE INDEX fee_of_rental ON fee (rental_id)');
    this.addSql('CREATE INDEX fee_by_customer ON fee (customer_id)');
    this.addSql(`CREATE INDEX fee_unpaid ON fee (customer_id) WHERE status IN ('OUTSTANDING', 'PENDING')`);
    this.addSql('CREATE INDEX fee_due ON fee (next_attempt_at) WHERE next_attempt_at IS NOT NULL');
    this.addSql('CREATE INDEX fee_paid ON fee (paid_at) WHERE paid_at IS NOT NULL');
    this.addSql('CREATE INDEX fee_refunded ON fee (refunded_at) WHERE refunded_at IS NOT NULL');
    this.addSql('CREATE INDEX fee_beside_the_bank ON fee ((id::text))'); // as `npm run reconcile` reads them

    this.addSql('CREATE TABLE waiting (id uuid PRIMARY KEY, book_id uuid NOT NULL)');
    this.addSql('CREATE INDEX waiting_for_book ON waiting (book_id)');
  }
}
