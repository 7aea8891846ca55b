/** All that the shop holds about a customer, collected from every service into one text that they can take away. */
import { wrap } from '@mikro-orm/core';
import type { EntityManager } from '#platform/database.ts';
import { Refusal } from '#platform/errors.ts';
import { type Ask, needed } from '#platform/requestReply.ts';
import type { AnswerOf } from '#schema/requests.ts';
import { type AuditEntry, auditLog } from './auditLog.ts';
import { Customer, Notification, Offer, Order, OrderEvent, Parcel, SavedAddress, Session } from './entities.ts';

/** For each page of a service. */
const TIMEOUT_MS = 3000;

/**
 * JSON with whole rows: what is stored later is in it without a change here. Each service tells what is true when it is asked.
 * @throws Refusal NOT_FOUND without an account; SERVICE_UNAVAILABLE while a service is silent, since a part would look like all
 */
export async function exportMyData(em: EntityManager, ask: Ask, customerId: string): Promise<string> {
  const own = await ownData(em, customerId);
  const [rental, delivery, book, actions] = await Promise.all([
    allOf(ask, 'rental', customerId),
    allOf(ask, 'delivery', customerId),
    allOf(ask, 'book', customerId),
    actionsOf(em, ask, customerId),
  ]);
  return JSON.stringify({ exportedAt: new Date(), customer: { ...own, actions }, rental, delivery, book }, null, 2);
}

/** Without what proves who somebody is. */
async function ownData(em: EntityManager, customerId: string): Promise<object> {
  const account = await em.findOne(Customer, { id: customerId });
  if (!account) throw new Refusal('NOT_FOUND', `There is no customer ${customerId}.`);
  const { passwordHash: _, ...details } = wrap(account).toPOJO();
  const addresses = await em.find(SavedAddress, { customerId }, { orderBy: { createdAt: 'asc' } });
  const sessions = await em.find(Session, { customerId });
  const orders = await em.find(Order, { customerId }, { orderBy: { requestedAt: 'asc' } });
  const parcels = await em.find(
    Parcel,
    { rentalId: { $in: orders.map(({ id }) => id) } },
    { orderBy: { since: 'asc' } },
  );
  const orderEvents = await em.find(OrderEvent, { customerId }, { orderBy: { number: 'asc' } });
  const offers = await em.find(Offer, { customerId }, { orderBy: { expiresAt: 'asc' } });
  const notifications = await em.find(Notification, { customerId }, { orderBy: { createdAt: 'asc' } });
  return {
    account: details,
    addresses: addresses.map((address) => wrap(address).toPOJO()),
    sessions: sessions.map(({ id, expiresAt }) => ({ id, expiresAt })),
    orders: orders.map((order) => wrap(order).toPOJO()),
    parcels: parcels.map((parcel) => wrap(parcel).toPOJO()),
    orderEvents: orderEvents.map((event) => wrap(event).toPOJO()),
    offers: offers.map((offer) => wrap(offer).toPOJO()),
    notifications: notifications.map((notification) => wrap(notification).toPOJO()),
  };
}

async function allOf(ask: Ask, service: 'rental' | 'delivery' | 'book', customerId: string): Promise<object[]> {
  const items: object[] = [];
  let after: string | null = null;
  do {
    const answer = ask(`rpc.${service}.export`, { customerId, after }, TIMEOUT_MS);
    const page: AnswerOf<'rpc.book.export'> = await needed(
      answer,
      service,
      ', and a part of your data would look like all of it',
    );
    items.push(...page.items);
    after = page.next;
  } while (after);
  return items;
}

/** What they did by a role, if they have one. */
async function actionsOf(em: EntityManager, ask: Ask, actorId: string): Promise<AuditEntry[]> {
  const actions: AuditEntry[] = [];
  let after: string | null = null;
  for (;;) {
    const { edges, pageInfo } = await auditLog(em, ask, { actorId }, { first: 100, after });
    actions.push(...edges.map(({ node }) => node));
    if (!pageInfo.hasNextPage) return actions;
    after = pageInfo.endCursor;
  }
}
