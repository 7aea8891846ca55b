/** What Book holds about a customer: what was set aside for each rental, the lines of the ledger about it, and places on waitlists. */
import { wrap } from '@mikro-orm/core';
import type { EntityManager } from '#platform/database.ts';
import type { ReadPersonal } from '#platform/personalData.ts';
import { Reservation, StockMovement, WaitlistEntry } from './entities.ts';

export const personalDataOf =
  (em: () => EntityManager): ReadPersonal =>
  async (customerId, after, limit) => {
    const reading = em();
    const next = { orderBy: { id: 'asc' }, limit } as const;
    const reservations = await reading.find(Reservation, { customerId, id: { $gt: after } }, next);
    const entries = await reading.find(WaitlistEntry, { customerId, id: { $gt: after } }, next);
    const movements = await reading.find(
      StockMovement,
      // By the title, since the ledger is kept so.
      {
        bookId: { $in: reservations.map(({ bookId }) => bookId) },
        rentalId: { $in: reservations.map(({ id }) => id) },
      },
      { orderBy: { id: 'asc' } },
    );
    const items = [
      ...reservations.map((reservation) => ({
        ...wrap(reservation).toPOJO(),
        movements: movements.filter(({ rentalId }) => rentalId === reservation.id).map((line) => wrap(line).toPOJO()),
      })),
      ...entries.map((entry) => wrap(entry).toPOJO()),
    ];
    return items.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit); // a page of both together
  };
