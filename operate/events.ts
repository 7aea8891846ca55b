/** The way of the events: from each row's version to the outbox, to the stream, to every consumer. */
import { type Consumer, DeliverPolicy, type JetStreamManager, type NatsConnection } from 'nats';
import type { Client } from 'pg';
import { codeOf } from '#platform/errors.ts';
import { PAGE, type Row, rowsOf } from './pages.ts';
import type { Rule, Seen } from './rule.ts';
import { aggregatesOf, consumers, type Service, type Sources, services, streamOf } from './services.ts';

/**
 * Published rows leave the outbox after seven days, so a database that has been there for less has all of them. The
 * hour is room for the clocks.
 */
const PRUNED_AFTER = "interval '6 days 23 hours'";

const versionsSql = (service: Service) => `
  WITH state AS (${Object.entries(aggregatesOf[service])
    .map(([kind, table]) => `SELECT '${kind}-' || id AS aggregate, version FROM "${table}" WHERE version > 0`)
    .join(' UNION ALL ')}),
  told AS (
    SELECT aggregate, count(*) AS events, min(version) AS lowest, max(version) AS highest
    FROM (SELECT aggregate, split_part(event_id, ':', 2)::int AS version FROM outbox) AS event GROUP BY aggregate),
  pruned AS (SELECT EXISTS (SELECT FROM migration WHERE executed_at < now() - ${PRUNED_AFTER}) AS maybe)
  SELECT aggregate, version, events, lowest, highest FROM state FULL JOIN told USING (aggregate), pruned
  WHERE version IS NULL AND split_part(aggregate, '-', 1) = ANY($1)
    OR events IS NULL AND NOT maybe
    OR highest <> version OR events <> highest - lowest + 1 OR lowest > 1 AND NOT maybe`;

const versions: Rule = {
  name: 'versions',
  says: "in each service's outbox the versions of each rental, payment, parcel, book, reservation and customer go up to its own, without a gap and each once",
  atOnce: true,
  async look(sources, tell) {
    let looked = 0;
    for (const service of services) {
      const kinds = Object.keys(aggregatesOf[service]);
      const { rows } = await sources[service].query(versionsSql(service), [kinds]);
      for (const { aggregate, version, events, lowest, highest } of rows)
        tell({
          about: aggregate,
          sentence:
            `${aggregate} is ${version ? `at version ${version}` : 'missing'}; the outbox of ${service} has ` +
            `${events ? `${events} events of it, ${lowest} to ${highest}` : 'no event of it'}.`,
        });
      looked += await countOf(sources[service], 'SELECT count(*) FROM outbox');
    }
    return looked;
  },
};

const unpublished: Rule = {
  name: 'unpublished',
  says: 'no event waits for its publication longer than a minute',
  async look(sources, tell) {
    let looked = 0;
    for (const service of services) {
      const { rows } = await sources[service].query(
        `SELECT event_id, extract(epoch FROM now() - created_at)::int AS age FROM outbox
         WHERE published_at IS NULL AND created_at < now() - interval '1 minute' ORDER BY id LIMIT 1000`,
      );
      for (const { event_id, age } of rows)
        tell({ about: event_id, sentence: `${event_id} is not published (${service}, for ${minutes(age)}).` });
      looked += await countOf(sources[service], 'SELECT count(*) FROM outbox WHERE published_at IS NULL');
    }
    return looked;
  },
};

/** Not in the state that is compared: time goes on. */
const minutes = (seconds: number): string => (seconds < 3600 ? 'minutes' : seconds < 86_400 ? 'hours' : 'days');

const stream: Rule = {
  name: 'stream',
  says: 'every published event is in its stream exactly once, under the sequence that the outbox has for it, and those of an aggregate in the order of their versions; the stream holds nothing else',
  async look(sources, tell, only) {
    const manager = await sources.nats.jetstreamManager();
    let looked = 0;
    for (const service of services) {
      looked += only
        ? await lookAgain(service, sources[service], manager, tell, sequencesIn(only, streamOf[service]))
        : await lookThrough(service, sources, manager, tell);
      await lookAtOrder(service, sources[service], tell);
    }
    return looked;
  },
};

/** The stream from its first to its last message, beside the outbox in the order of sequences. */
async function lookThrough(
  service: Service,
  { [service]: client, nats }: Sources,
  manager: JetStreamManager,
  tell: (seen: Seen) => void,
): Promise<number> {
  const name = streamOf[service];
  const highest = await countOf(client, 'SELECT coalesce(max(stream_seq), 0) AS count FROM outbox');
  const info = await infoOf(manager, name);
  if (!info) {
    if (highest) tell(lost(name, highest, 'events', null));
    return 0;
  }
  const { first_seq: first, last_seq: last, messages } = info.state;
  if (highest > last) await lookAgain(service, client, manager, tell, [highest]);
  await lookAtTooOld(service, client, info, tell);

  const published = bySequence(client, first, last);
  let row = (await published.next()).value;
  let looked = 0;
  const strangers: Message[] = [];
  for await (const message of messages ? messagesIn(nats, name, first, last) : []) {
    while (row && row.seq < message.seq) {
      tell(lost(name, row.seq, row.eventId, null));
      row = (await published.next()).value;
    }
    looked += 1;
    if (row?.seq === message.seq) {
      if (row.eventId !== message.eventId) tell(lost(name, row.seq, row.eventId, message.eventId));
      row = (await published.next()).value;
      continue;
    }
    strangers.push(message);
    if (strangers.length === PAGE) await lookAtStrangers(service, client, strangers.splice(0), tell);
  }
  for (; row; row = (await published.next()).value) tell(lost(name, row.seq, row.eventId, null));
  await lookAtStrangers(service, client, strangers, tell);
  return looked;
}

const lost = (stream: string, seq: number, eventId: string, instead: string | null): Seen => ({
  about: `${stream} ${seq}`,
  sentence: `${eventId} was published as ${stream} ${seq}, where the stream has ${instead === null ? 'nothing' : instead || 'a message without an id'}.`,
  state: [eventId, instead],
});

const sequencesIn = (abouts: string[], stream: string): number[] =>
  abouts.filter((about) => about.startsWith(`${stream} `)).map((about) => Number(about.split(' ')[1]));

interface Message {
  seq: number;
  eventId: string;
  at: Date;
}

async function* bySequence(client: Client, first: number, last: number) {
  for (let from = first; ; ) {
    const { rows } = await client.query<{ stream_seq: string; event_id: string }>(
      'SELECT stream_seq, event_id FROM outbox WHERE stream_seq BETWEEN $1 AND $2 ORDER BY stream_seq LIMIT $3',
      [from, last, PAGE],
    );
    for (const { stream_seq, event_id } of rows) yield { seq: Number(stream_seq), eventId: event_id };
    const end = rows.at(-1);
    if (!end || rows.length < PAGE) return;
    from = Number(end.stream_seq) + 1;
  }
}

/** Ids alone: what is in the messages is not read. */
async function* messagesIn(
  nats: NatsConnection,
  stream: string,
  first: number,
  last: number,
): AsyncGenerator<Message, void, undefined> {
  const consumer: Consumer = await nats.jetstream().consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: first,
    headers_only: true,
  });
  const messages = await consumer.consume({ max_messages: PAGE });
  for await (const { seq, headers, info } of messages) {
    if (seq <= last) yield { seq, eventId: headers?.get('Nats-Msg-Id') ?? '', at: new Date(info.timestampNanos / 1e6) };
    if (seq >= last || info.pending === 0) break; // the last ones may have left it meanwhile
  }
  await messages.close();
}

/** Messages without a row of their sequence: sent twice, not marked yet, or by nobody of ours. */
async function lookAtStrangers(
  service: Service,
  client: Client,
  messages: Message[],
  tell: (seen: Seen) => void,
): Promise<void> {
  if (!messages.length) return;
  const { rows } = await client.query<{ event_id: string; stream_seq: string | null }>(
    'SELECT event_id, stream_seq FROM outbox WHERE event_id = ANY($1)',
    [messages.map(({ eventId }) => eventId)],
  );
  const known = new Map(rows.map(({ event_id, stream_seq }) => [event_id, stream_seq]));
  const prunedBefore = await countOf(
    client,
    `SELECT extract(epoch FROM now() - ${PRUNED_AFTER})::bigint * 1000 AS count`,
  );
  for (const { seq, eventId, at } of messages) {
    const row = known.get(eventId);
    if (row === undefined && at.getTime() < prunedBefore) continue;
    const which = `${streamOf[service]} ${seq}`;
    const sentence =
      row === undefined
        ? `${which} is ${eventId || 'a message without an id'}, which the outbox of ${service} does not have.`
        : row === null
          ? `${eventId} is in the stream as ${which}, but not published for the outbox.`
          : `${eventId} is in the stream twice, as ${streamOf[service]} ${row} and ${seq}.`;
    tell({ about: which, sentence, state: [eventId, row] });
  }
}

/** What is below the stream's first sequence has left it by age, or was lost. */
async function lookAtTooOld(
  service: Service,
  client: Client,
  { state, config }: Awaited<ReturnType<JetStreamManager['streams']['info']>>,
  tell: (seen: Seen) => void,
): Promise<void> {
  const name = streamOf[service];
  const maxAgeMs = config.max_age ? config.max_age / 1e6 : 1e12;
  const { rows } = await client.query(
    `SELECT stream_seq, event_id FROM outbox
     WHERE stream_seq < $1 AND published_at > now() - $2 * interval '1 ms' + interval '1 hour' ORDER BY stream_seq LIMIT 1000`,
    [state.first_seq, maxAgeMs],
  );
  for (const { stream_seq, event_id } of rows) tell(lost(name, Number(stream_seq), event_id, null));
}

/** The same questions about single sequences. */
async function lookAgain(
  service: Service,
  client: Client,
  manager: JetStreamManager,
  tell: (seen: Seen) => void,
  sequences: number[],
): Promise<number> {
  const name = streamOf[service];
  for (const seq of sequences) {
    const { rows } = await client.query('SELECT event_id FROM outbox WHERE stream_seq = $1', [seq]);
    const message = await messageAt(manager, name, seq);
    if (rows[0] && rows[0].event_id !== message?.eventId)
      tell(lost(name, seq, rows[0].event_id, message?.eventId ?? null));
    if (!rows[0] && message) await lookAtStrangers(service, client, [message], tell);
  }
  return sequences.length;
}

async function messageAt(manager: JetStreamManager, stream: string, seq: number): Promise<Message | null> {
  try {
    const { header, time } = await manager.streams.getMessage(stream, { seq });
    return { seq, eventId: header?.get('Nats-Msg-Id') ?? '', at: time };
  } catch (error) {
    if (codeOf(error) === '404') return null;
    throw error;
  }
}

async function infoOf(manager: JetStreamManager, stream: string) {
  try {
    return await manager.streams.info(stream);
  } catch (error) {
    if (codeOf(error) === '404') return null;
    throw error;
  }
}

/** By the sequences in the outbox, which were compared with the stream's. */
async function lookAtOrder(service: Service, client: Client, tell: (seen: Seen) => void): Promise<void> {
  const { rows } = await client.query(
    `SELECT event_id, stream_seq, earlier FROM (
       SELECT event_id, stream_seq, max(stream_seq) OVER (PARTITION BY aggregate ORDER BY split_part(event_id, ':', 2)::int
         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier
       FROM outbox WHERE stream_seq IS NOT NULL) AS published
     WHERE stream_seq < earlier`,
  );
  for (const { event_id, stream_seq, earlier } of rows)
    tell({
      about: `${streamOf[service]} ${stream_seq}`,
      sentence: `${event_id} is in the stream as ${stream_seq}, before an earlier version, which is ${earlier}.`,
      state: [event_id, stream_seq, earlier],
    });
}

interface Versioned extends Row {
  version: number;
}

const applied: Rule = {
  name: 'applied',
  says: "every consumer has applied each of its publisher's rentals, payments, parcels, books and reservations up to the version it is at",
  async look(sources, tell, only) {
    let looked = 0;
    for (const { name, reader, publisher } of consumers) {
      for (const [kind, table] of Object.entries(aggregatesOf[publisher])) {
        const about = (id: string) => `${name} ${kind}-${id}`;
        const prefix = about('');
        const ids = only?.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length)) ?? null;
        const select = `SELECT id, version FROM "${table}" WHERE version > 0 AND`;
        const rows = rowsOf<Versioned>({ client: sources[publisher], select, key: 'id' }, ids);
        for await (const page of inPages(rows)) {
          looked += page.length;
          const known = await appliedVersions(
            sources[reader],
            name,
            page.map(({ id }) => `${kind}-${id}`),
          );
          for (const { id, version } of page) {
            const at = known.get(`${kind}-${id}`) ?? 0;
            if (at !== version)
              tell({
                about: about(id),
                sentence: `${name} has applied ${kind}-${id} up to version ${at} of ${version}.`,
                state: [at, version],
              });
          }
        }
      }
    }
    return looked;
  },
};

async function* inPages<T>(rows: AsyncGenerator<T, void, undefined>): AsyncGenerator<T[], void, undefined> {
  let page: T[] = [];
  for await (const row of rows) {
    page.push(row);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length) yield page;
}

async function appliedVersions(client: Client, consumer: string, aggregates: string[]): Promise<Map<string, number>> {
  const { rows } = await client.query<{ aggregate: string; version: number }>(
    'SELECT aggregate, version FROM applied WHERE consumer = $1 AND aggregate = ANY($2)',
    [consumer, aggregates],
  );
  return new Map(rows.map(({ aggregate, version }) => [aggregate, version]));
}

const waiting: Rule = {
  name: 'parked',
  says: 'no event waits beside a consumer for a predecessor that does not come',
  async look(sources, tell) {
    let looked = 0;
    for (const service of services) {
      const { rows } = await sources[service].query(
        `SELECT consumer, aggregate, min(version) AS lowest, count(*) AS events FROM parked GROUP BY consumer, aggregate
         ORDER BY consumer, aggregate LIMIT 1000`,
      );
      for (const { consumer, aggregate, lowest, events } of rows)
        tell({
          about: `${consumer} ${aggregate}`,
          sentence: `${events} parked events of ${aggregate}, from version ${lowest} on, wait beside ${consumer}.`,
          state: lowest,
        });
      looked += await countOf(sources[service], 'SELECT count(*) FROM parked');
    }
    return looked;
  },
};

const dead: Rule = {
  name: 'dead-letters',
  says: 'no event was given up on (npm run dead-letters shows and replays them)',
  atOnce: true,
  async look(sources, tell) {
    let looked = 0;
    for (const service of services) {
      const { rows } = await sources[service].query(
        'SELECT id, consumer, aggregate, version FROM dead_letter WHERE dropped_at IS NULL ORDER BY since',
      );
      for (const { id, consumer, aggregate, version } of rows)
        tell({
          about: id,
          sentence: `${consumer} has given up on ${aggregate ? `${aggregate}:${version}` : 'a message that is no event'} (dead letter ${id}).`,
        });
      looked += rows.length;
    }
    return looked;
  },
};

async function countOf(client: Client, sql: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(sql);
  return Number(rows[0]?.count ?? 0);
}

export const eventRules = [versions, unpublished, stream, applied, waiting, dead];
