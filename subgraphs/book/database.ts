/** What is in Book's database: for the service, the import and the tests alike. */
import { Book, BookCopy, Reservation, StockMovement, WaitlistEntry } from './entities.ts';
import { CreateBook } from './migrations/0001_book.ts';
import { Erasure } from './migrations/0002_erasure.ts';
import { Waitlist } from './migrations/0003_waitlist.ts';
import { Report } from './migrations/0004_report.ts';
import { Copies, CopiesIndexes, CopiesSince } from './migrations/0005_copies.ts';
import { SearchPieces, SearchPiecesIndex } from './migrations/0006_search.ts';

export const bookDatabase = {
  entities: [Book, BookCopy, Reservation, StockMovement, WaitlistEntry],
  migrations: [
    { name: 'book_0001_book', class: CreateBook },
    { name: 'book_0002_erasure', class: Erasure },
    { name: 'book_0003_waitlist', class: Waitlist },
    { name: 'book_0004_report', class: Report },
    { name: 'book_0005_copies', class: Copies },
    { name: 'book_0006_copies_since', class: CopiesSince },
    { name: 'book_0007_copies_indexes', class: CopiesIndexes },
    { name: 'book_0008_search_pieces', class: SearchPieces },
    { name: 'book_0009_search_pieces_index', class: SearchPiecesIndex },
  ],
};
