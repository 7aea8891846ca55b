/** What is in Customer's database: for the service and the tests alike. */
import {
  Book,
  Customer,
  ErasedCustomer,
  Notification,
  Offer,
  Order,
  OrderEvent,
  Parcel,
  SavedAddress,
  Session,
} from './entities.ts';
import { CreateCustomer } from './migrations/0001_customer.ts';
import { Accounts } from './migrations/0002_accounts.ts';
import { Erasure } from './migrations/0003_erasure.ts';
import { Notifications } from './migrations/0004_notifications.ts';
import { Tidy } from './migrations/0005_tidy.ts';
import { History } from './migrations/0006_history.ts';

export const customerDatabase = {
  entities: [Customer, ErasedCustomer, SavedAddress, Session, Order, OrderEvent, Parcel, Book, Offer, Notification],
  migrations: [
    { name: 'customer_0001_customer', class: CreateCustomer },
    { name: 'customer_0002_accounts', class: Accounts },
    { name: 'customer_0003_erasure', class: Erasure },
    { name: 'customer_0004_notifications', class: Notifications },
    { name: 'customer_0005_tidy', class: Tidy },
    { name: 'customer_0006_history', class: History },
  ],
};
