/** What is in Rental's database: for the service and the tests alike. */
import { Book, Fee, Payment, Rental, Step, Waiting } from './entities.ts';
import { CreateRental } from './migrations/0001_rental.ts';
import { CreateAdmission } from './migrations/0002_admission.ts';
import { CreateClosing } from './migrations/0003_closing.ts';
import { Loan } from './migrations/0004_loan.ts';
import { CreateStripeEvents } from './migrations/0005_stripe_events.ts';
import { Owed, OwedIndex } from './migrations/0006_owed.ts';
import { FeeFacts } from './migrations/0008_fee_facts.ts';

export const rentalDatabase = {
  entities: [Rental, Payment, Step, Fee, Book, Waiting],
  migrations: [
    { name: 'rental_0001_rental', class: CreateRental },
    { name: 'rental_0002_admission', class: CreateAdmission },
    { name: 'rental_0003_closing', class: CreateClosing },
    { name: 'rental_0004_loan', class: Loan },
    { name: 'rental_0005_stripe_events', class: CreateStripeEvents },
    { name: 'rental_0006_owed', class: Owed },
    { name: 'rental_0007_owed_index', class: OwedIndex },
    { name: 'rental_0008_fee_facts', class: FeeFacts },
  ],
};
