/** The services as a tool from outside sees them: their databases, what they tell of, and whose events they apply. */
import type { NatsConnection } from 'nats';
import type { Client } from 'pg';
import type { Stream } from '#schema/events.ts';

export const services = ['book', 'rental', 'delivery', 'customer'] as const;
export type Service = (typeof services)[number];

export const streamOf = {
  book: 'BOOK',
  rental: 'RENTAL',
  delivery: 'DELIVERY',
  customer: 'CUSTOMER',
} as const satisfies Record<Service, Stream>;

/** Open connections. Nothing is written through them. */
export interface Sources extends Record<Service, Client> {
  /** The sandbox bank's own books; a real provider's cannot be read so. */
  sandbox?: Client | undefined;
  nats: NatsConnection;
}

/** The tables and views whose rows have versions, by the first part of their events' ids. */
export const aggregatesOf = {
  book: { book: 'book', reservation: 'reservation', waitlist: 'waitlist_entry' },
  rental: { rental: 'rental', payment: 'payment', fee: 'fee' },
  delivery: { delivery: 'delivery' },
  customer: { customer: 'customer_version' },
} as const satisfies Record<Service, Record<string, string>>;

/** Every durable consumer: whose it is, and whose events it applies. */
export const consumers = [
  { name: 'book-rental', reader: 'book', publisher: 'rental' },
  { name: 'book-delivery', reader: 'book', publisher: 'delivery' },
  { name: 'book-customer', reader: 'book', publisher: 'customer' },
  { name: 'rental-book', reader: 'rental', publisher: 'book' },
  { name: 'rental-delivery', reader: 'rental', publisher: 'delivery' },
  { name: 'rental-customer', reader: 'rental', publisher: 'customer' },
  { name: 'delivery-rental', reader: 'delivery', publisher: 'rental' },
  { name: 'delivery-customer', reader: 'delivery', publisher: 'customer' },
  { name: 'customer-rental', reader: 'customer', publisher: 'rental' },
  { name: 'customer-delivery', reader: 'customer', publisher: 'delivery' },
  { name: 'customer-book', reader: 'customer', publisher: 'book' },
] as const satisfies { name: string; reader: Service; publisher: Service }[];
