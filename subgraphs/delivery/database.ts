/** What is in Delivery's database: for the service and the tests alike. */
import { Delivery, TrackingEvent } from './entities.ts';
import { CreateDelivery } from './migrations/0001_delivery.ts';

export const deliveryDatabase = {
  entities: [Delivery, TrackingEvent],
  migrations: [{ name: 'delivery_0001_delivery', class: CreateDelivery }],
};
