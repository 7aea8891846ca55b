/** What is in Book's database: for the service, the import and the tests alike. */
import { Book, BookCopy, Reservation, StockMovement } from './entities.ts';
import { CreateBook } from './migrations/0001_book.ts';
import { Erasure } from './migrations/0002_erasure.ts';

export const bookDatabase = {
  entities: [Book, BookCopy, Reservation, StockMovement],
  migrations: [
    { name: 'book_0001_book', class: CreateBook },
    { name: 'book_0002_erasure', class: Erasure },
  ],
};
