/** The main job through the router's Service, as a client: asked for, paid, brought, read, sent back; and live all along. */
import { addBook, type Client, eventually, requestRental, type Watch } from '../client.ts';

const STATUS = 'subscription { orderStatus { rentalId status order { bookTitle rental { payment { status } } } } }';
const RETURN = 'mutation ($id: ID!) { returnRental(rentalId: $id) { userErrors { code } } }';
const COPIES = 'query ($id: ID!) { book(id: $id) { copies(first: 10) { edges { node { id status } } } } }';
const INSPECT = `mutation ($id: ID!) {
  inspectCopy(input: { copyId: $id, condition: GOOD }) { userErrors { code } } }`;
const PATIENCE_MS = 90_000;

/** What the reader was told of the rental, from the request to its end. */
export async function rentAndReturn(reader: Client, staff: Client): Promise<string[]> {
  const bookId = await addBook(staff, 1);
  const watch = reader.watch(STATUS);
  try {
    const { rental, userErrors } = await requestRental(reader, bookId);
    if (!rental) throw new Error(`The rental was refused: ${JSON.stringify(userErrors)}`);
    await tells(watch, rental.id, 'ON_LOAN');
    await reader.data(RETURN, { id: rental.id });
    await tells(watch, rental.id, 'RETURNED');
    const { book } = await eventually(
      () => staff.data(COPIES, { id: bookId }),
      (data) => data.book.copies.edges[0].node.status === 'INSPECTING',
      PATIENCE_MS,
    );
    await staff.data(INSPECT, { id: book.copies.edges[0].node.id });
    return await tells(watch, rental.id, 'CLOSED');
  } finally {
    await watch.stop();
  }
}

const tells = (watch: Watch, rentalId: string, status: string): Promise<string[]> =>
  eventually(
    () => statusesIn(watch, rentalId),
    (seen) => seen.includes(status),
    PATIENCE_MS,
  );

function statusesIn(watch: Watch, rentalId: string): string[] {
  const errors = watch.results.flatMap(({ errors }) => errors ?? []);
  if (errors.length) throw new Error(`The subscription has errors: ${JSON.stringify(errors)}`);
  return watch.results
    .map(({ data }) => data.orderStatus)
    .filter((told) => told.rentalId === rentalId)
    .map(({ status }) => status);
}
