import { Migration } from '@mikro-orm/migrations';

/** References are checked at the commit: within a transaction rows may be written in any order. */
export class CreateCustomer extends Migration {
  override up(): void {
    this.addSql(`CREATE TABLE customer (
      id uuid PRIMARY KEY,
      email text NOT NULL,
      email_key text NOT NULL UNIQUE,
      name text NOT NULL,
      password_hash text NOT NULL,
      roles text[] NOT NULL,
      created_at timestamptz(3) NOT NULL,
      version int NOT NULL
    )`);
    this.addSql('CREATE INDEX customer_newest ON customer (created_at DESC, id DESC)');
    this.addSql(`CREATE TABLE saved_address (
      id uuid PRIMARY KEY,
      customer_id uuid NOT NULL REFERENCES customer ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
      label text NOT NULL,
      name text NOT NULL,
      line1 text NOT NULL,
      line2 text,
      city text NOT NULL,
      postal_code text NOT NULL,
      country text NOT NULL,
      phone text,
      is_default boolean NOT NULL,
      created_at timestamptz(3) NOT NULL
    )`);
    this.addSql('CREATE INDEX saved_address_by_customer ON saved_address (customer_id)');

    this.addSql(`CREATE TABLE session (
      id uuid PRIMARY KEY,
      customer_id uuid NOT NULL REFERENCES customer ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
      token_hash text NOT NULL,
      expires_at timestamptz(3) NOT NULL
    )`);
    this.addSql('CREATE INDEX session_by_customer ON session (customer_id)');
    this.addSql(`CREATE TABLE sign_in_attempt (
      email_hash text PRIMARY KEY,
      attempts int NOT NULL,
      since timestamptz(3) NOT NULL
    )`);
    this.addSql('CREATE INDEX sign_in_attempt_since ON sign_in_attempt (since)');

    this.addSql(`CREATE TABLE customer_order (
      id uuid PRIMARY KEY,
      customer_id uuid NOT NULL,
      book_id uuid NOT NULL,
      quantity int NOT NULL,
      status text NOT NULL,
      status_since timestamptz(3) NOT NULL,
      change_number int NOT NULL,
      requested_at timestamptz(3) NOT NULL,
      due_at timestamptz(3)
    ) WITH (fillfactor = 70)`);
    this.addSql('CREATE INDEX customer_order_newest ON customer_order (customer_id, requested_at DESC, id DESC)');
    this.addSql('CREATE INDEX customer_order_changed ON customer_order (customer_id, change_number)');

    // The row to lock: numbers are dense, and become visible in their order, because it stays locked until the commit.
    this.addSql(`CREATE TABLE order_log (
      customer_id uuid PRIMARY KEY,
      last int NOT NULL
    ) WITH (fillfactor = 70)`);
    this.addSql(`CREATE TABLE order_event (
      customer_id uuid NOT NULL,
      number int NOT NULL,
      rental_id uuid NOT NULL,
      aggregate text NOT NULL,
      version int NOT NULL,
      type text NOT NULL,
      status text,
      previous_status text,
      delivery_status text,
      message text NOT NULL,
      occurred_at timestamptz(3) NOT NULL,
      PRIMARY KEY (customer_id, number),
      CHECK ((status IS NULL) <> (delivery_status IS NULL))
    )`);
    this.addSql('CREATE INDEX order_event_by_rental ON order_event (rental_id)');

    this.addSql(`CREATE TABLE parcel (
      id uuid PRIMARY KEY,
      rental_id uuid NOT NULL,
      direction text NOT NULL,
      status text NOT NULL,
      tracking_url text,
      since timestamptz(3) NOT NULL
    ) WITH (fillfactor = 70)`);
    this.addSql('CREATE INDEX parcel_by_rental ON parcel (rental_id)');
    this.addSql('CREATE TABLE book (id uuid PRIMARY KEY, title text NOT NULL)');
  }
}
