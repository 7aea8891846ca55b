/** What one answer reads, each row once. A subscription makes new ones for each event, or it would tell old news. */
import type { EntityManager } from '#platform/database.ts';
import { rowsById, rowsByOwner } from '#platform/loaders.ts';
import { Book, Customer, Order, OrderEvent, Parcel, SavedAddress } from './entities.ts';

export type Loaders = ReturnType<typeof loadersOf>;

export const loadersOf = (em: EntityManager) => ({
  customers: rowsById(em, Customer),
  addresses: rowsByOwner(em, SavedAddress, 'customerId', { createdAt: 'asc', id: 'asc' }),
  orders: rowsById(em, Order),
  books: rowsById(em, Book),
  parcels: rowsByOwner(em, Parcel, 'rentalId', { since: 'asc', id: 'asc' }),
  events: rowsByOwner(em, OrderEvent, 'rentalId', { number: 'asc' }),
});
