/** What is in Delivery's database: for the service and the tests alike. */
import { Delivery, TrackingEvent } from './entities.ts';
import { CreateDelivery } from './migrations/0001_delivery.ts';
import { Erasure } from './migrations/0002_erasure.ts';
import { Scans } from './migrations/0003_scans.ts';
import { Labels } from './migrations/0004_labels.ts';

export const deliveryDatabase = {
  entities: [Delivery, TrackingEvent],
  migrations: [
    { name: 'delivery_0001_delivery', class: CreateDelivery },
    { name: 'delivery_0002_erasure', class: Erasure },
    { name: 'delivery_0003_scans', class: Scans },
    { name: 'delivery_0004_labels', class: Labels },
  ],
};
