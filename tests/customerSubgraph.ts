/** The customer subgraph on a real database and a real broker, asked as the router would ask, told as the others would tell. */
import { randomUUID } from 'node:crypto';
import { type ExecutionResult, graphql, parse } from 'graphql';
import { exportJWK, generateKeyPair } from 'jose';
import type { AnyConsumer, Arrived, Outcome } from '#platform/apply.ts';
import type { Orm } from '#platform/database.ts';
import { readAnewAfterMutations, subgraphSchema } from '#platform/graphql.ts';
import { createLog } from '#platform/log.ts';
import { connectForever } from '#platform/nats.ts';
import { OutboxRow } from '#platform/outbox.ts';
import { type Ask, createAsk } from '#platform/requestReply.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { subscribe } from '#platform/subscriptions.ts';
import { type Superusers, superusersOf } from '#platform/superuser.ts';
import type { Role, Viewer } from '#platform/tokens.ts';
import { type DataOf, type Event, type EventType, streams } from '#schema/events.ts';
import { type Bells, hangBells, ringer } from '../subgraphs/customer/bells.ts';
import { customerDatabase } from '../subgraphs/customer/database.ts';
import { bookConsumer, deliveryConsumer, rentalConsumer } from '../subgraphs/customer/events.ts';
import { loadersOf } from '../subgraphs/customer/loaders.ts';
import type { Channel } from '../subgraphs/customer/notifier.ts';
import { type Live, openLive } from '../subgraphs/customer/orderStatus.ts';
import { type Context, resolvers } from '../subgraphs/customer/resolvers.ts';
import { createTokenIssuer, type Signing, type TokenIssuer } from '../subgraphs/customer/sessions.ts';
import { arrived, deliver } from './events.ts';
import { createDatabase, natsUrl } from './services.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are read by their path in a test, a wrong one shows there
type Data = any;
export type Answer = ExecutionResult<Record<string, Data>>;

const nobody = superusersOf({ SUPERUSER: [], SUPERUSER_FILE: undefined });

export class CustomerSubgraph {
  orm: Orm;
  issuer: TokenIssuer;
  #superusers: Superusers;
  /** As one process has them. */
  bells: Bells;
  #live: Live;
  #ask: Ask;
  #schema = subgraphSchema(new URL('../subgraphs/customer/schema.graphql', import.meta.url), resolvers);
  #close: () => Promise<void>;

  private constructor(orm: Orm, { issuer, superusers }: Signing, bells: Bells, ask: Ask, close: () => Promise<void>) {
    this.orm = orm;
    this.issuer = issuer;
    this.#superusers = superusers;
    this.bells = bells;
    this.#live = openLive(() => orm.em.fork(), bells);
    this.#ask = ask;
    this.#close = close;
    readAnewAfterMutations(this.#schema, (viewer, client) => this.#context(viewer, client));
  }

  static async open(superusers: Superusers = nobody): Promise<CustomerSubgraph> {
    const log = createLog('test', 'silent');
    const orm = await openServiceDatabase({ ...customerDatabase, url: await createDatabase('customer'), log });
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const issuer = await createTokenIssuer(JSON.stringify({ keys: [await exportJWK(privateKey)] }));
    const nats = connectForever({ natsUrl: natsUrl() });
    const bells = hangBells(nats, () => orm.em.fork(), log);
    orm.em.getEventManager().registerSubscriber(ringer(bells));
    return new CustomerSubgraph(orm, { issuer, superusers }, bells, createAsk(nats), async () => {
      await bells.stop();
      await (await nats).close();
      await orm.close();
    });
  }

  close(): Promise<void> {
    return this.#close();
  }

  #context(viewer: Viewer | null, client: string): Context {
    const em = this.orm.em.fork();
    const [issuer, superusers] = [this.issuer, this.#superusers];
    return {
      viewer,
      client,
      em,
      ask: this.#ask,
      signing: () => ({ issuer, superusers }),
      superusers,
      live: this.#live,
      loaders: loadersOf(() => em),
    };
  }

  /** `client` is the address that it comes from. */
  async ask(
    source: string,
    viewer: Viewer | null = null,
    variableValues: object = {},
    client = '192.0.2.1',
  ): Promise<Answer> {
    const answer = await graphql({
      schema: this.#schema,
      source,
      contextValue: this.#context(viewer, client),
      variableValues: { ...variableValues },
    });
    return answer as Answer;
  }

  /** The data of an answer that must have no errors. */
  async data(
    source: string,
    viewer: Viewer | null = null,
    variableValues: object = {},
    client?: string,
  ): Promise<Data> {
    const { data, errors } = await this.ask(source, viewer, variableValues, client);
    if (errors) throw new Error(errors.map(String).join('\n'));
    return data;
  }

  async subscribe(
    source: string,
    viewer: Viewer | null,
    variableValues: object = {},
  ): Promise<AsyncIterableIterator<Answer>> {
    const result = await subscribe({
      schema: this.#schema,
      document: parse(source),
      contextValue: this.#context(viewer, ''),
      variableValues: { ...variableValues },
    });
    if (Symbol.asyncIterator in result) return result as AsyncGenerator<Answer>;
    throw result.errors?.[0];
  }

  /** Hands an event to the consumer that it is for; `channels` are those by which customers are told. */
  tell(event: Arrived, channels: readonly Channel[] = []): Promise<Outcome | undefined> {
    const consumers: Record<string, AnyConsumer> = {
      RENTAL: rentalConsumer(channels),
      DELIVERY: deliveryConsumer,
      BOOK: bookConsumer(channels),
    };
    const context = event.type.split('.')[0];
    const [stream = ''] = Object.entries(streams).find(([, contexts]) => contexts.some((one) => one === context)) ?? [];
    const consumer = consumers[stream];
    if (!consumer) throw new Error(`Nobody listens to ${event.type}`);
    return deliver(this.orm.em, consumer, event);
  }

  /** What the outbox tells of an account, oldest first. */
  async eventsOf(customerId: string): Promise<{ version: number; data: Data }[]> {
    const rows = await this.orm.em
      .fork()
      .find(OutboxRow, { aggregate: `customer-${customerId}` }, { orderBy: { id: 'asc' } });
    return rows.map(({ payload }) => ({ version: (payload as Event).aggregateversion, data: (payload as Event).data }));
  }
}

export const viewerOf = (customerId: string = randomUUID(), ...more: Role[]): Viewer => ({
  customerId,
  roles: ['CUSTOMER', ...more],
  expiresAt: new Date(Date.now() + 60_000),
});

type RentalType = Extract<EventType, `rental.${string}`>;
type ParcelType = Extract<EventType, `delivery.${string}`>;

/** What happens to one rental and its parcels, each event the next version of its aggregate, a second after the one before. */
export class Rental {
  readonly id: string = randomUUID();
  readonly #facts: { rentalId: string; customerId: string; bookId: string; quantity: number };
  #version = 0;
  #parcels = new Map<string, { id: string; version: number }>();
  #clock: number;

  constructor(customerId: string, { bookId = randomUUID(), at = new Date() } = {}) {
    this.#facts = { rentalId: this.id, customerId, bookId, quantity: 1 };
    this.#clock = at.getTime();
  }

  did(type: RentalType, more: object = {}): Arrived {
    this.#version += 1;
    const data = { ...this.#facts, ...more } as DataOf<RentalType>; // the tests give the rest where there is any
    return arrived(type, { id: this.id, version: this.#version }, data, this.#now());
  }

  scanned(type: ParcelType, direction: 'OUTBOUND' | 'RETURN' = 'OUTBOUND'): Arrived {
    const parcel = this.#parcels.get(direction) ?? { id: randomUUID(), version: 0 };
    this.#parcels.set(direction, parcel);
    parcel.version += 1;
    const occurredAt = this.#now();
    const trackingUrl = type === 'delivery.created' ? { trackingUrl: `https://carrier.test/${parcel.id}` } : {};
    const data = {
      ...this.#facts,
      deliveryId: parcel.id,
      direction,
      occurredAt: occurredAt.toISOString(),
      ...trackingUrl,
    };
    return arrived(type, parcel, data as DataOf<ParcelType>, occurredAt); // likewise
  }

  #now(): Date {
    this.#clock += 1000;
    return new Date(this.#clock);
  }
}
