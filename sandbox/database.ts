/** What is in the sandbox's database: for the process and the migrate command alike. */
import { BankEvent, IdempotencyKey, Intent, Parcel, Refund, Scan } from './entities.ts';
import { CreateBank } from './migrations/0001_bank.ts';
import { CreateCourier } from './migrations/0002_courier.ts';
import { Forgetting } from './migrations/0003_forgetting.ts';
import { CreateBankEvents } from './migrations/0004_bank_events.ts';

export const sandboxDatabase = {
  entities: [Intent, Refund, IdempotencyKey, BankEvent, Parcel, Scan],
  migrations: [
    { name: 'sandbox_0001_bank', class: CreateBank },
    { name: 'sandbox_0002_courier', class: CreateCourier },
    { name: 'sandbox_0003_forgetting', class: Forgetting },
    { name: 'sandbox_0004_bank_events', class: CreateBankEvents },
  ],
};
