/** What Book holds about a customer: what was set aside for each rental, and the lines of the ledger about it. */
import { wrap } from '@mikro-orm/core';
import type { EntityManager } from '#platform/database.ts';
import type { ReadPersonal } from '#platform/personalData.ts';
import { Reservation, StockMovement } from './entities.ts';

export const personalDataOf =
  (em: () => EntityManager): ReadPersonal =>
  async (customerId, after, limit) => {
    const reading = em();
    const reservations = await reading.find(
      Reservation,
      { customerId, id: { $gt: after } },
      { orderBy: { id: 'asc' }, limit },
    );
    const movements = await reading.find(
      StockMovement,
      // By the title, since the ledger is kept so.
      {
        bookId: { $in: reservations.map(({ bookId }) => bookId) },
        rentalId: { $in: reservations.map(({ id }) => id) },
      },
      { orderBy: { id: 'asc' } },
    );
    return reservations.map((reservation) => ({
      ...wrap(reservation).toPOJO(),
      movements: movements.filter(({ rentalId }) => rentalId === reservation.id).map((line) => wrap(line).toPOJO()),
    }));
  };
