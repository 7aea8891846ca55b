/** What Rental holds about a customer: every rental whole, with its payment, its fees and what it still owes. */
import { wrap } from '@mikro-orm/core';
import type { EntityManager } from '#platform/database.ts';
import type { ReadPersonal } from '#platform/personalData.ts';
import { Fee, Payment, Rental, Step } from './entities.ts';

export const personalDataOf =
  (em: () => EntityManager): ReadPersonal =>
  async (customerId, after, limit) => {
    const reading = em();
    const rentals = await reading.find(Rental, { customerId, id: { $gt: after } }, { orderBy: { id: 'asc' }, limit });
    const ids = rentals.map(({ id }) => id);
    const payments = await reading.find(Payment, { id: { $in: ids } });
    const steps = await reading.find(Step, { rentalId: { $in: ids } });
    const fees = await reading.find(Fee, { rentalId: { $in: ids } }, { orderBy: { createdAt: 'asc', id: 'asc' } });
    return rentals.map((rental) => {
      const payment = payments.find(({ id }) => id === rental.id);
      return {
        ...wrap(rental).toPOJO(),
        payment: payment ? wrap(payment).toPOJO() : null,
        fees: fees.filter(({ rentalId }) => rentalId === rental.id).map((fee) => wrap(fee).toPOJO()),
        steps: steps.filter(({ rentalId }) => rentalId === rental.id).map((step) => wrap(step).toPOJO()),
      };
    });
  };
