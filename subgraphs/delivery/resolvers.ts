/** What people ask of Delivery. */
import { raw } from '@mikro-orm/core';
import { z } from 'zod';
import { audit } from '#platform/audit.ts';
import { type EntityManager, transaction } from '#platform/database.ts';
import { checkInput, payload, Refusal } from '#platform/errors.ts';
import type { Resolvers } from '#platform/graphql.ts';
import { idInput } from '#platform/ids.ts';
import { rowsById, rowsByOwner } from '#platform/loaders.ts';
import { connectionOf, minutesAgo, type PageArgs, pageOf } from '#platform/pages.ts';
import { typedText } from '#platform/text.ts';
import type { Viewer } from '#platform/tokens.ts';
import { type DeliveryStatus, type Direction, deliveryStatuses, isFinal } from './delivery.ts';
import { Delivery, TrackingEvent } from './entities.ts';
import { lockDelivery, recordScans } from './parcels.ts';

/** What one request's resolvers share. */
export const contextOf = (em: EntityManager, viewer: Viewer | null, client: string) => ({
  viewer,
  client,
  em,
  deliveries: rowsById(() => em, Delivery),
  deliveriesOfRental: rowsByOwner(() => em, Delivery, 'rentalId', { createdAt: 'asc', id: 'asc' }),
  trackingEvents: rowsByOwner(() => em, TrackingEvent, 'deliveryId', { occurredAt: 'asc', number: 'asc' }),
});
type Context = ReturnType<typeof contextOf>;

/** @auth has let in signed-in viewers only. */
type SignedIn = Context & { viewer: Viewer };

interface DeliveryFilter {
  status?: DeliveryStatus[] | null;
  direction?: Direction | null;
  stuckForMinutes?: number | null;
  trackingNumber?: string | null;
}

const trackingEventInput = z.object({
  deliveryId: idInput,
  status: z.enum(deliveryStatuses),
  occurredAt: z.date().nullish(),
  note: typedText.max(1000, 'The note must have at most 1000 characters.').nullish(),
  idempotencyKey: z
    .string()
    .min(1, 'The key must not be empty.')
    .max(200, 'The key must have at most 200 characters.')
    .nullish(),
});
type TrackingEventInput = z.infer<typeof trackingEventInput>;

const underWay = deliveryStatuses.filter((status) => !isFinal(status));

export const resolvers: Resolvers = {
  Query: {
    delivery: (_: unknown, { id }: { id: string }, { deliveries }: Context) => deliveries.load(id),

    async deliveries(_: unknown, { filter, ...page }: PageArgs & { filter?: DeliveryFilter | null }, { em }: Context) {
      const { limit, keys } = pageOf(page, ['timestamptz', 'uuid']);
      const rows = await em.find(Delivery, whereOf(filter ?? {}, keys), {
        orderBy: { createdAt: 'desc', id: 'desc' },
        limit,
      });
      return connectionOf(rows, page, ({ createdAt, id }) => [createdAt.toISOString(), id]);
    },
  },

  Mutation: {
    recordTrackingEvent: (_: unknown, { input }: { input: unknown }, { em, viewer }: SignedIn) =>
      payload(async () => {
        const now = new Date();
        const scan = checkInput(trackingEventInput, input);
        const { deliveryId, status, note = null, idempotencyKey = null } = scan;
        const occurredAt = scan.occurredAt ?? now;
        if (occurredAt > now)
          throw new Refusal('INVALID_INPUT', 'A scan cannot be in the future.', ['input', 'occurredAt']);
        const delivery = await transaction(em, async (em) => {
          const delivery = await lockDelivery(em, { id: deliveryId });
          if (!delivery) throw new Refusal('NOT_FOUND', `There is no delivery ${deliveryId}.`, ['input', 'deliveryId']);
          if (await wasEntered(em, scan)) return delivery; // a client asks again
          const from = delivery.status;
          await recordScans(em, delivery, [{ status, occurredAt, note, idempotencyKey }], now);
          const details = { rentalId: delivery.rentalId, scan: status, from, to: delivery.status };
          audit(em, viewer, 'recordTrackingEvent', { type: 'Delivery', id: delivery.id }, details);
          return delivery;
        });
        return { delivery };
      }),
  },

  Delivery: {
    __resolveReference: ({ id }: { id: string }, { deliveries }: Context) => deliveries.load(id),
    rental: ({ rentalId }: Delivery) => ({ __typename: 'Rental', id: rentalId }),
    trackingEvents: ({ id }: Delivery, _: unknown, { trackingEvents }: Context) => trackingEvents.load(id),
  },

  Rental: {
    __resolveReference: (rental: { id: string }) => rental,
    deliveries: ({ id }: { id: string }, _: unknown, { deliveriesOfRental }: Context) => deliveriesOfRental.load(id),
  },
};

/**
 * Whether this scan was entered by hand before: by its key, or with the same status at the same instant.
 * @throws Refusal IDEMPOTENCY_CONFLICT when the key came with other input before
 */
async function wasEntered(
  em: EntityManager,
  { deliveryId, status, note, occurredAt, idempotencyKey }: TrackingEventInput,
): Promise<boolean> {
  const byKey = idempotencyKey ? await em.findOne(TrackingEvent, { deliveryId, idempotencyKey }) : null;
  if (!byKey)
    return Boolean(occurredAt && (await em.findOne(TrackingEvent, { deliveryId, scanId: null, status, occurredAt })));
  const isSame =
    byKey.status === status &&
    (byKey.note ?? null) === (note ?? null) &&
    (!occurredAt || byKey.occurredAt.getTime() === occurredAt.getTime());
  if (isSame) return true;
  throw new Refusal('IDEMPOTENCY_CONFLICT', 'This idempotency key came with other input before.', [
    'input',
    'idempotencyKey',
  ]);
}

function whereOf(
  { status, direction, stuckForMinutes, trackingNumber }: DeliveryFilter,
  keys: (string | number)[] | null,
) {
  const [createdAt, id] = keys ?? [];
  const silentSince = minutesAgo(stuckForMinutes ?? 0);
  return {
    $and: [
      status ? { status: { $in: status } } : {},
      direction ? { direction } : {},
      typeof stuckForMinutes === 'number' ? { status: { $in: underWay }, heardAt: { $lt: silentSince } } : {},
      trackingNumber ? { [raw('upper(tracking_number) = upper(?)', [trackingNumber.trim()])]: [] } : {},
      keys ? { $or: [{ createdAt: { $lt: createdAt } }, { createdAt, id: { $lt: id } }] } : {},
    ],
  } as never; // the fields and their values are those of Delivery
}
