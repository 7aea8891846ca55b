/** What a service holds about a customer: told page by page to whoever collects it for them (`exportMyData`), and blanked once they are erased. */
import type { AnswerOf, AskOf } from '#schema/requests.ts';
import type { Consumer } from './apply.ts';
import { type EntityManager, query } from './database.ts';

type Asked = AskOf<'rpc.rental.export'>;
type Answered = AnswerOf<'rpc.rental.export'>;
type Item = Answered['items'][number];

/** A rental with all that belongs to it has some 2 kB, and NATS takes 1 MB. */
const PAGE = 100;
const FIRST = '00000000-0000-0000-0000-000000000000';

/** The customer's things after an id, in the order of their ids. */
export type ReadPersonal = (customerId: string, after: string, limit: number) => Promise<Item[]>;

/** Answers `rpc.<service>.export`. */
export const exportOf =
  (read: ReadPersonal) =>
  async ({ customerId, after }: Asked): Promise<Answered> => {
    const items = await read(customerId, after ?? FIRST, PAGE);
    return { items, next: items.length === PAGE ? (items.at(-1)?.id ?? null) : null };
  };

interface Erasing {
  /** Of the durable consumer. */
  name: string;
  /** One statement that takes the customer's id as `$1`. */
  blank: string;
  /** What else ends with them. */
  leave?: (em: EntityManager, customerId: string) => Promise<void>;
}

/** Blanks what is the customer's own when Customer tells that they are erased. */
export const erasing = ({ name, blank, leave }: Erasing): Consumer<'CUSTOMER'> => ({
  name,
  stream: 'CUSTOMER',
  locks: 'customerId',
  handlers: {
    'customer.saved': 'ignore',
    async 'customer.erased'({ data }, em) {
      await leave?.(em, data.customerId);
      await query(em, blank, [data.customerId]);
    },
  },
});
