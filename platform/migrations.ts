/** The tables that outbox, relay, consumers and the audit log need in each service's database. A service lists these before its own. */
import { Migration } from '@mikro-orm/migrations';

class Events extends Migration {
  override up(): void {
    // CACHE 1: ids must follow the order of the rows' locks; with a cache of 50 versions were seen as 1, 3, 2.
    this.addSql(`CREATE SEQUENCE outbox_id_seq CACHE 1`);
    this.addSql(`CREATE TABLE outbox (
      id bigint PRIMARY KEY DEFAULT nextval('outbox_id_seq'),
      event_id text NOT NULL UNIQUE,
      aggregate text NOT NULL,
      subject text NOT NULL,
      payload jsonb NOT NULL CHECK (octet_length(payload::text) < 500000),
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      published_at timestamptz(3),
      stream_seq bigint
    )`);
    this.addSql(`ALTER SEQUENCE outbox_id_seq OWNED BY outbox.id`);
    this.addSql(`CREATE INDEX outbox_open ON outbox (id) WHERE published_at IS NULL`);
    this.addSql(`CREATE INDEX outbox_stream_seq ON outbox (stream_seq)`);
    this.addSql(`CREATE INDEX outbox_published ON outbox (published_at)`);

    this.addSql(`CREATE TABLE applied (
      consumer text NOT NULL,
      aggregate text NOT NULL,
      version int NOT NULL,
      PRIMARY KEY (consumer, aggregate)
    ) WITH (fillfactor = 70)`);
    this.addSql(`CREATE TABLE parked (
      consumer text NOT NULL,
      aggregate text NOT NULL,
      version int NOT NULL,
      event jsonb NOT NULL,
      since timestamptz(3) NOT NULL DEFAULT now(),
      PRIMARY KEY (consumer, aggregate, version)
    )`);
    this.addSql(`CREATE TABLE dead_letter (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      consumer text NOT NULL,
      aggregate text,
      version int,
      message text NOT NULL,
      reason text NOT NULL,
      since timestamptz(3) NOT NULL DEFAULT now()
    )`);
    this.addSql(`CREATE UNIQUE INDEX dead_letter_event ON dead_letter (consumer, aggregate, version)`);
  }
}

class Refill extends Migration {
  override up(): void {
    // What was published once and then lost by the broker goes below what was not yet published.
    this.addSql(
      `ALTER TABLE outbox ADD reopened boolean NOT NULL DEFAULT false CHECK (NOT reopened OR published_at IS NULL)`,
    );
    this.addSql(`DROP INDEX outbox_open`);
    this.addSql(`CREATE INDEX outbox_fresh ON outbox (id) WHERE published_at IS NULL AND NOT reopened`);
    this.addSql(`CREATE INDEX outbox_reopened ON outbox (id) WHERE reopened`);
    this.addSql(`CREATE INDEX outbox_reopened_aggregate ON outbox (aggregate, id) WHERE reopened`);
    // Which stream the sequences in the outbox are of.
    this.addSql(`CREATE TABLE relay (stream text PRIMARY KEY, created text NOT NULL)`);
  }
}

class DroppedLetters extends Migration {
  override up(): void {
    // A message that is no event, and that an operator has looked at: kept, so that it is not told of again.
    this.addSql('ALTER TABLE dead_letter ADD dropped_at timestamptz(3), ADD dropped_because text');
  }
}

class Audit extends Migration {
  override up(): void {
    // The details of a page of 100 stay far below the megabyte that one message of NATS holds.
    this.addSql(`CREATE TABLE audit (
      id uuid PRIMARY KEY,
      occurred_at timestamptz(3) NOT NULL,
      action text NOT NULL,
      actor_id uuid NOT NULL,
      roles text[] NOT NULL,
      subject_type text NOT NULL,
      subject_id uuid NOT NULL,
      details jsonb NOT NULL CHECK (octet_length(details::text) < 4000)
    )`);
    this.addSql('CREATE INDEX audit_newest ON audit (occurred_at, id)');
    this.addSql('CREATE INDEX audit_by_actor ON audit (actor_id, occurred_at, id)');
    this.addSql('CREATE INDEX audit_by_action ON audit (action, occurred_at, id)');
    this.addSql('CREATE INDEX audit_by_subject ON audit (subject_id, occurred_at, id)');
    this.addSql(`CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'The audit log is only ever added to: no %', TG_OP;
      END
    $$`);
    this.addSql(`CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit()`);
  }
}

export const platformMigrations = [
  { name: 'platform_0001_events', class: Events },
  { name: 'platform_0002_refill', class: Refill },
  { name: 'platform_0003_dropped_letters', class: DroppedLetters },
  { name: 'platform_0004_audit', class: Audit },
];
