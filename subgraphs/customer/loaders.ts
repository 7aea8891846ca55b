/** Rows that answers are made of, those of many fields in one statement. */
import DataLoader from 'dataloader';
import type { EntityManager } from '#platform/database.ts';
import { type LoaderOptions, rowsById, rowsByOwner } from '#platform/loaders.ts';
import { Book, Customer, Order, OrderEvent, Parcel, SavedAddress } from './entities.ts';
import { orderLists } from './orderHistory.ts';
import { headsOf } from './orderLog.ts';

export type Loaders = ReturnType<typeof loadersOf>;

/** For one request; without a cache for all subscriptions of the process, whose every event must tell what is true then. */
export const loadersOf = (em: () => EntityManager, options?: LoaderOptions) => ({
  customers: rowsById(em, Customer, options),
  addresses: rowsByOwner(em, SavedAddress, 'customerId', { createdAt: 'asc', id: 'asc' }, options),
  orders: rowsById(em, Order, options),
  orderLists: orderLists(em, options),
  heads: new DataLoader((ids: readonly string[]) => headsOf(em(), ids), options),
  books: rowsById(em, Book, options),
  parcels: rowsByOwner(em, Parcel, 'rentalId', { since: 'asc', id: 'asc' }, options),
  events: rowsByOwner(em, OrderEvent, 'rentalId', { number: 'asc' }, options),
});
