/** What Delivery holds about a customer: every parcel whole, with its scans. */
import { wrap } from '@mikro-orm/core';
import type { EntityManager } from '#platform/database.ts';
import type { ReadPersonal } from '#platform/personalData.ts';
import { Delivery, TrackingEvent } from './entities.ts';

export const personalDataOf =
  (em: () => EntityManager): ReadPersonal =>
  async (customerId, after, limit) => {
    const reading = em();
    const parcels = await reading.find(Delivery, { customerId, id: { $gt: after } }, { orderBy: { id: 'asc' }, limit });
    const scans = await reading.find(
      TrackingEvent,
      { deliveryId: { $in: parcels.map(({ id }) => id) } },
      { orderBy: { number: 'asc' } },
    );
    return parcels.map((parcel) => ({
      ...wrap(parcel).toPOJO(),
      trackingEvents: scans.filter(({ deliveryId }) => deliveryId === parcel.id).map((scan) => wrap(scan).toPOJO()),
    }));
  };
