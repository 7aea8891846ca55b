/** Clients who rent one book after the other, in a process of their own: their parent says where and for how long. */
import { Pool } from 'undici';
import { rentalInput } from '../tests/client.ts';
import { type Load, measure, type Round } from './load.ts';

export interface Renting {
  /** Of the router. */
  url: string;
  tokens: string[];
  books: string[];
  load: Load;
}
/** Or why there is none. */
export type Rented = (Round & { accepted: number }) | { error: string };

const REQUEST = `mutation Rent($input: RequestRentalInput!) {
  requestRental(input: $input) { rental { id status total { amount currency } } userErrors { code message } } }`;

interface Answer {
  data?: { requestRental?: { rental?: { status: string } } };
}

async function rent({ url, tokens, books, load }: Renting): Promise<Rented> {
  const pool = new Pool(url, { connections: load.clients });
  let asked = 0;
  let accepted = 0;
  try {
    const round = await measure(load, async () => {
      const token = tokens[asked++ % tokens.length];
      const book = books[Math.floor(Math.random() * books.length)] ?? '';
      const { body } = await pool.request({
        method: 'POST',
        path: '/graphql',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: REQUEST, variables: { input: rentalInput(book) } }),
      });
      const answer = await body.text();
      if ((JSON.parse(answer) as Answer).data?.requestRental?.rental?.status !== 'ACCEPTED') throw new Error(answer);
      accepted += 1;
    });
    return { ...round, accepted };
  } catch (error) {
    return { error: String(error) };
  } finally {
    await pool.close();
  }
}

process.on('message', (renting: Renting) => void rent(renting).then((rented) => process.send?.(rented)));
