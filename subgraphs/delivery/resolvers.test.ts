/** What people ask of Delivery, as GraphQL, on a real database. */
import { randomUUID } from 'node:crypto';
import { graphql } from 'graphql';
import { AuditRow } from '#platform/audit.ts';
import { type EntityManager, type Orm, transaction } from '#platform/database.ts';
import { subgraphSchema } from '#platform/graphql.ts';
import { createLog } from '#platform/log.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import type { Role, Viewer } from '#platform/tokens.ts';
import { createDatabase } from '../../tests/services.ts';
import { deliveryDatabase } from './database.ts';
import { type Delivery, TrackingEvent } from './entities.ts';
import { reach, wantParcel } from './parcels.ts';
import { contextOf, resolvers } from './resolvers.ts';

const schema = subgraphSchema(new URL('schema.graphql', import.meta.url), resolvers);
let orm: Orm;

beforeAll(async () => {
  orm = await openServiceDatabase({
    ...deliveryDatabase,
    url: await createDatabase('delivery'),
    log: createLog('test', 'silent'),
  });
});
afterAll(() => orm?.close());

const viewer = (customerId: string, ...roles: Role[]): Viewer => ({ customerId, roles, expiresAt: new Date() });
const staff = viewer(randomUUID(), 'STAFF');
const courier = viewer(randomUUID(), 'COURIER');

/** Answers are read by their path in a test: a wrong path shows there. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is the operation's own
type Data = any;

async function ask(
  who: Viewer | null,
  source: string,
  variableValues: object = {},
): Promise<{ data: Data; codes: unknown[] }> {
  const contextValue = contextOf(orm.em.fork(), who, '');
  const { data, errors = [] } = await graphql({ schema, source, contextValue, variableValues: { ...variableValues } });
  return { data: JSON.parse(JSON.stringify(data ?? null)), codes: errors.map(({ extensions }) => extensions.code) };
}

interface Wanted {
  customerId?: string;
  rentalId?: string;
  direction?: Delivery['direction'];
  createdAt?: Date;
}

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

/** A parcel as Rental's events make one; `more` goes on with it. */
function parcel(
  {
    customerId = randomUUID(),
    rentalId = randomUUID(),
    direction = 'OUTBOUND',
    createdAt = minutesAgo(60),
  }: Wanted = {},
  more: (em: EntityManager, delivery: Delivery) => void = () => {},
): Promise<Delivery> {
  return transaction(orm.em, async (em) => {
    const facts = { rentalId, customerId, bookId: randomUUID(), quantity: 1 };
    const delivery = wantParcel(em, facts, direction, createdAt);
    more(em, delivery);
    return delivery;
  });
}
const created = (em: EntityManager, delivery: Delivery) => reach(em, delivery, 'CREATED', delivery.createdAt);

const RECORD = `mutation ($input: TrackingEventInput!) {
  recordTrackingEvent(input: $input) { delivery { status trackingEvents { status note occurredAt applied } } userErrors { code path } }
}`;
const record = async (input: object, who = courier) => (await ask(who, RECORD, { input })).data.recordTrackingEvent;

describe('reading', () => {
  const DELIVERY = `query ($id: ID!) {
    delivery(id: $id) { id direction status sender recipient address { city } carrier trackingNumber trackingUrl estimatedAt rental { id } trackingEvents { id } }
  }`;

  test('F11 a delivery has status, sender and recipient, which are null until the address is known', async () => {
    const { id, rentalId, customerId } = await parcel();

    const { data } = await ask(viewer(customerId), DELIVERY, { id });

    const unknown = { sender: null, recipient: null, address: null, carrier: null, trackingNumber: null };
    expect(data.delivery).toEqual({
      id,
      direction: 'OUTBOUND',
      status: 'PENDING',
      ...unknown,
      trackingUrl: null,
      estimatedAt: null,
      rental: { id: rentalId },
      trackingEvents: [],
    });
  });

  test("another's delivery is null, the same as one that does not exist; staff and couriers see all", async () => {
    const { id } = await parcel();
    const stranger = viewer(randomUUID(), 'CUSTOMER');

    const hidden = await ask(stranger, DELIVERY, { id });

    expect(hidden).toEqual({ data: { delivery: null }, codes: [] });
    expect(await ask(stranger, DELIVERY, { id: randomUUID() })).toEqual(hidden);
    expect(await ask(stranger, DELIVERY, { id: 'no id at all' })).toEqual(hidden);
    expect(await ask(null, DELIVERY, { id })).toEqual(hidden);
    for (const who of [staff, courier]) expect((await ask(who, DELIVERY, { id })).data.delivery.id).toBe(id);
  });

  const OF_RENTAL = `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Rental { id deliveries { id direction } } } }`;
  const ofRentals = (...ids: string[]) => ({ of: ids.map((id) => ({ __typename: 'Rental', id })) });

  test("a rental's deliveries come oldest first, and there are none where no parcel exists", async () => {
    const [rentalId, customerId] = [randomUUID(), randomUUID()];
    const back = await parcel({ rentalId, customerId, direction: 'RETURN', createdAt: minutesAgo(1) });
    const out = await parcel({ rentalId, customerId, createdAt: minutesAgo(9) });
    const none = randomUUID();

    const { data } = await ask(viewer(customerId), OF_RENTAL, ofRentals(rentalId, none));

    expect(data._entities).toEqual([
      {
        id: rentalId,
        deliveries: [
          { id: out.id, direction: 'OUTBOUND' },
          { id: back.id, direction: 'RETURN' },
        ],
      },
      { id: none, deliveries: [] },
    ]);
  });

  test("the deliveries of another's rental are refused", async () => {
    const { rentalId } = await parcel();

    const { data, codes } = await ask(viewer(randomUUID()), OF_RENTAL, ofRentals(rentalId));

    expect(data._entities).toEqual([{ id: rentalId, deliveries: null }]);
    expect(codes).toEqual(['FORBIDDEN']);
  });
});

describe('the list', () => {
  const LIST = `query ($first: Int!, $after: String, $filter: DeliveryFilter) {
    deliveries(first: $first, after: $after, filter: $filter) { edges { node { id } } pageInfo { hasNextPage endCursor } }
  }`;
  const idsOf = ({ edges }: Data): string[] => edges.map(({ node }: Data) => node.id);
  /** Those of the given parcels that a filter finds. */
  const found = async (filter: object, ...among: Delivery[]): Promise<string[]> => {
    const { data } = await ask(courier, LIST, { first: 100, filter });
    return among.map(({ id }) => id).filter((id) => idsOf(data.deliveries).includes(id));
  };

  test('is for those who carry parcels', async () => {
    expect(await ask(viewer(randomUUID(), 'CUSTOMER'), LIST, { first: 1 })).toEqual({
      data: { deliveries: null },
      codes: [],
    });
  });

  test('goes from page to page, newest first, each parcel once', async () => {
    const parcels = await Promise.all([3, 2, 1].map((minutes) => parcel({ createdAt: minutesAgo(-minutes) })));

    const seen: string[] = [];
    for (let after: string | null = null; seen.length < parcels.length; ) {
      const { data } = await ask(staff, LIST, { first: 1, after });
      seen.push(...idsOf(data.deliveries));
      after = data.deliveries.pageInfo.endCursor;
    }

    expect(seen).toEqual(parcels.map(({ id }) => id));
  });

  test('can be of one status or direction', async () => {
    const pending = await parcel();
    const taken = await parcel({}, created);
    const back = await parcel({ direction: 'RETURN' });

    expect(await found({ status: ['CREATED', 'LOST'] }, pending, taken, back)).toEqual([taken.id]);
    expect(await found({ direction: 'RETURN' }, pending, taken, back)).toEqual([back.id]);
    expect(await found({ direction: 'OUTBOUND', status: ['PENDING'] }, pending, taken, back)).toEqual([pending.id]);
  });

  test('finds the parcel of a label, whatever its case and the spaces around it', async () => {
    const [labelled, other] = [`Sb-${randomUUID()}`, `SB-${randomUUID()}`];
    const wanted = await parcel({}, (em, delivery) => em.assign(delivery, { trackingNumber: labelled }));
    const another = await parcel({}, (em, delivery) => em.assign(delivery, { trackingNumber: other }));
    const unlabelled = await parcel();
    const foundBy = (filter: object) => found(filter, wanted, another, unlabelled);

    expect(await foundBy({ trackingNumber: ` ${labelled.toUpperCase()}\n` })).toEqual([wanted.id]);
    expect(await foundBy({ trackingNumber: labelled.toLowerCase(), direction: 'RETURN' })).toEqual([]);
    expect(await foundBy({ trackingNumber: labelled.slice(0, -1) })).toEqual([]);
    expect(await foundBy({ trackingNumber: '%' })).toEqual([]);
    expect(await foundBy({ trackingNumber: null })).toEqual([wanted.id, another.id, unlabelled.id]);
  });

  test('of the stuck has those without news for so long, unless they are at their end', async () => {
    const silent = await parcel({ createdAt: minutesAgo(40) });
    const fresh = await parcel({ createdAt: minutesAgo(20) });
    const heard = await parcel({ createdAt: minutesAgo(40) }, created);
    await record({ deliveryId: heard.id, status: 'PICKED_UP' });
    const ended = await parcel({ createdAt: minutesAgo(40) }, (em, delivery) =>
      reach(em, delivery, 'STOPPED', delivery.createdAt),
    );

    expect(await found({ stuckForMinutes: 30 }, silent, fresh, heard, ended)).toEqual([silent.id]);
  });

  test('of the stuck is for each direction and status, and no minutes at all are those without news this instant', async () => {
    const createdAt = minutesAgo(40);
    const wanted = await parcel({ createdAt });
    const taken = await parcel({ createdAt }, created);
    const back = await parcel({ createdAt, direction: 'RETURN' });

    expect(await found({ stuckForMinutes: 30, status: ['CREATED'] }, wanted, taken, back)).toEqual([taken.id]);
    expect(await found({ stuckForMinutes: 30, direction: 'RETURN' }, wanted, taken, back)).toEqual([back.id]);
    expect(await found({ stuckForMinutes: 50, direction: 'RETURN' }, wanted, taken, back)).toEqual([]);
    expect(await found({ stuckForMinutes: 0 }, wanted, taken, back)).toEqual([wanted.id, taken.id, back.id]);
    expect(await found({ stuckForMinutes: 30, status: ['STOPPED'] }, wanted, taken, back)).toEqual([]);
  });

  test('of no status is empty; what is null filters nothing', async () => {
    const one = await parcel();

    expect(await found({ status: [] }, one)).toEqual([]);
    expect(await found({ status: null, direction: null, stuckForMinutes: null }, one)).toEqual([one.id]);
  });

  test('keeps its filter from page to page', async () => {
    const older = await parcel({ createdAt: minutesAgo(-12), direction: 'RETURN' });
    await parcel({ createdAt: minutesAgo(-13) });
    const newer = await parcel({ createdAt: minutesAgo(-14), direction: 'RETURN' });

    const filter = { direction: 'RETURN', status: ['PENDING'] };
    const { data: first } = await ask(staff, LIST, { first: 1, filter });
    const after = first.deliveries.pageInfo.endCursor;
    const { data: second } = await ask(staff, LIST, { first: 1, after, filter });

    expect([...idsOf(first.deliveries), ...idsOf(second.deliveries)]).toEqual([newer.id, older.id]);
  });

  test.each([-1, 2_000_000_000])('refuses to look back %d minutes', async (stuckForMinutes) => {
    expect((await ask(staff, LIST, { first: 1, filter: { stuckForMinutes } })).codes).toEqual(['BAD_USER_INPUT']);
  });

  test.each([{ first: 0 }, { first: 101 }, { first: 1, after: 'nothing of ours' }])(
    'refuses the page %p',
    async (page) => {
      expect((await ask(staff, LIST, page)).codes).toEqual(['BAD_USER_INPUT']);
    },
  );
});

describe('a scan by hand', () => {
  test('moves the parcel, as of now where no time is given', async () => {
    const { id } = await parcel({}, created);

    const { delivery, userErrors } = await record({ deliveryId: id, status: 'PICKED_UP', note: 'At the counter.' });

    expect(userErrors).toEqual([]);
    expect(delivery).toMatchObject({
      status: 'PICKED_UP',
      trackingEvents: [{ note: 'At the counter.', applied: true }],
    });
  });

  test('that the table does not allow is kept with applied: false; scans stand in the order they happened', async () => {
    const { id } = await parcel({}, created);
    await record({ deliveryId: id, status: 'IN_TRANSIT', occurredAt: minutesAgo(10) });

    const { delivery, userErrors } = await record({ deliveryId: id, status: 'PICKED_UP', occurredAt: minutesAgo(20) });

    expect(userErrors).toEqual([]);
    expect(delivery).toMatchObject({
      status: 'IN_TRANSIT',
      trackingEvents: [
        { status: 'PICKED_UP', applied: false },
        { status: 'IN_TRANSIT', applied: true },
      ],
    });
  });

  /** What is stored of a parcel's scans, and how many of them were audited. */
  async function storedOf(id: string) {
    const em = orm.em.fork();
    const [scans, audited] = [
      await em.count(TrackingEvent, { deliveryId: id }),
      await em.count(AuditRow, { subjectId: id }),
    ];
    return { scans, audited };
  }

  test('that a client sends again by its key is stored and audited once, and answered as before', async () => {
    const { id } = await parcel({}, created);
    const input = { deliveryId: id, status: 'PICKED_UP', note: 'At the counter.', idempotencyKey: 'a scan' };

    const [first, second] = await Promise.all([record(input), record(input)]);

    expect(first).toMatchObject({
      delivery: { status: 'PICKED_UP', trackingEvents: [{ applied: true }] },
      userErrors: [],
    });
    expect(second).toEqual(first);
    expect(await record(input)).toEqual(first);
    expect(await storedOf(id)).toEqual({ scans: 1, audited: 1 });
  });

  test.each([{ status: 'IN_TRANSIT' }, { note: 'Another note.' }, { occurredAt: minutesAgo(5) }])(
    'by the same key with other input is refused (%j)',
    async (more) => {
      const { id } = await parcel({}, created);
      const input = { deliveryId: id, status: 'PICKED_UP', idempotencyKey: 'a scan' };
      await record(input);

      const conflict = await record({ ...input, ...more });

      expect(conflict.userErrors).toEqual([{ code: 'IDEMPOTENCY_CONFLICT', path: ['input', 'idempotencyKey'] }]);
      expect(await storedOf(id)).toEqual({ scans: 1, audited: 1 });
    },
  );

  test("is another parcel's by the same key", async () => {
    for (const { id } of [await parcel({}, created), await parcel({}, created)]) {
      await record({ deliveryId: id, status: 'PICKED_UP', idempotencyKey: 'a scan' });
      expect(await storedOf(id)).toEqual({ scans: 1, audited: 1 });
    }
  });

  test('of the same status at the same instant is the same one, with a key or without', async () => {
    const { id } = await parcel({}, created);
    const input = { deliveryId: id, status: 'PICKED_UP', occurredAt: minutesAgo(5) };

    const [first, second] = await Promise.all([record(input), record(input)]);
    expect(second).toEqual(first);
    expect(await record({ ...input, idempotencyKey: 'another try' })).toEqual(first);
    expect(await storedOf(id)).toEqual({ scans: 1, audited: 1 });

    await record({ ...input, occurredAt: minutesAgo(4) });
    await record({ ...input, status: 'IN_TRANSIT' });
    expect(await storedOf(id)).toEqual({ scans: 3, audited: 3 });
  });

  test.each([
    ['a malformed id', { deliveryId: 'parcel 1' }, 'INVALID_INPUT', 'deliveryId'],
    ['a delivery that does not exist', { deliveryId: randomUUID() }, 'NOT_FOUND', 'deliveryId'],
    ['a time in the future', { occurredAt: minutesAgo(-1) }, 'INVALID_INPUT', 'occurredAt'],
    ['a note of a page', { note: 'x'.repeat(1001) }, 'INVALID_INPUT', 'note'],
    ['a key of a page', { idempotencyKey: 'x'.repeat(201) }, 'INVALID_INPUT', 'idempotencyKey'],
    ['no key', { idempotencyKey: '' }, 'INVALID_INPUT', 'idempotencyKey'],
  ])('of %s is refused with its path, and nothing changes', async (_, mistake, code, field) => {
    const { id } = await parcel({}, created);

    const refused = await record({ deliveryId: id, status: 'PICKED_UP', ...mistake });

    expect(refused).toEqual({ delivery: null, userErrors: [{ code, path: ['input', field] }] });
    expect(await orm.em.fork().count(TrackingEvent, { deliveryId: id })).toBe(0);
  });

  test('is for couriers and staff', async () => {
    const { id, customerId } = await parcel({}, created);
    const input = { deliveryId: id, status: 'DELIVERED' };

    expect((await ask(viewer(customerId, 'CUSTOMER'), RECORD, { input })).codes).toEqual(['FORBIDDEN']);
    expect((await ask(null, RECORD, { input })).codes).toEqual(['UNAUTHENTICATED']);
    expect(await orm.em.fork().count(TrackingEvent, { deliveryId: id })).toBe(0);
  });
});
