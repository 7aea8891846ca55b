/** An event that Rental has really given up on, for tests of what is done about those. */
import type { Owner } from '../local/services.ts';
import { addBook, type Client, eventually } from './client.ts';
import type { System } from './system.ts';

interface Letter {
  consumer: string;
  /** Absent from a message that is none. */
  event?: string;
  message: string;
}

/** Answers the id of the dead letter. */
export async function bury(system: System, owner: Owner, { consumer, event, message }: Letter): Promise<string> {
  const [aggregate = null, version = null] = event?.split(':') ?? [];
  const [row] = await system.query<{ id: string }>(
    owner,
    `INSERT INTO dead_letter (consumer, aggregate, version, message, reason) VALUES ($1, $2, $3, $4, 'It could not be done') RETURNING id`,
    [consumer, aggregate, version, message],
  );
  return row?.id ?? '';
}

interface DeadBook {
  letter: string;
  event: string;
  /** The version that Rental knows. */
  applied(): Promise<number>;
}

/** The second event of a book as Rental could not apply it, and a third that waits behind it. */
export async function aDeadBook(system: System, staff: Client): Promise<DeadBook> {
  const bookId = await addBook(staff, 1);
  const applied = async () => {
    const [row] = await system.query<{ version: number }>(
      'rental',
      "SELECT version FROM applied WHERE consumer = 'rental-book' AND aggregate = $1",
      [`book-${bookId}`],
    );
    return row?.version ?? 0;
  };
  await eventually(applied, (version) => version === 1);
  const event = `book-${bookId}:2`;
  const letter = await bury(system, 'rental', { consumer: 'rental-book', event, message: '{}' });
  for (const title of ['The second', 'The third'])
    await staff.data(
      `mutation { updateBook(input: { id: "${bookId}", title: "${title}" }) { userErrors { message } } }`,
    );
  const [told] = await system.query<{ payload: object }>('book', 'SELECT payload FROM outbox WHERE event_id = $1', [
    event,
  ]);
  await system.query('rental', 'UPDATE dead_letter SET message = $2 WHERE id = $1', [
    letter,
    JSON.stringify(told?.payload),
  ]);
  return { letter, event, applied };
}
