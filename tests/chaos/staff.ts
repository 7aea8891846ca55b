/** The staff of a run: they look at every copy that comes back, end its repair, and take in again what was thought lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { clientOf } from '../client.ts';
import type { Dice } from './dice.ts';

export interface Staff {
  /** Begins; once `closed` every copy is found good, so that all comes to rest. */
  open(closed: AbortSignal): void;
  close(): Promise<void>;
}

export interface StaffOptions {
  routerUrls: readonly string[];
  dice: Dice;
  token: () => Promise<string>;
  bookIds: string[];
}

const COPIES = 'query ($id: ID!) { book(id: $id) { copies(first: 100) { edges { node { id status } } } } }';
const INSPECT =
  'mutation ($id: ID!, $condition: CopyCondition!) { inspectCopy(input: { copyId: $id, condition: $condition }) { userErrors { code } } }';
const RECEIVE = 'mutation ($id: ID!) { receiveCopy(copyId: $id) { userErrors { code } } }';

interface Copy {
  id: string;
  status: string;
}

export function openStaff({ routerUrls, dice, token, bookIds }: StaffOptions): Staff {
  const closing = new AbortController();
  const { signal } = closing;

  const ask = async (query: string, variables: object) =>
    (await clientOf(dice.pick(routerUrls), await token()).ask(query, variables)).data;

  async function copiesOf(id: string): Promise<Copy[]> {
    const data = await ask(COPIES, { id });
    const edges: { node: Copy }[] = data?.book?.copies?.edges ?? [];
    return edges.map(({ node }) => node);
  }

  async function see({ id, status }: Copy, closed: boolean): Promise<void> {
    if (status === 'INSPECTING') await ask(INSPECT, { id, condition: closed ? 'GOOD' : conditionOf(dice) });
    else if (status === 'REPAIR' && dice.chance(0.5)) await ask(INSPECT, { id, condition: 'GOOD' });
    else if (status === 'LOST' && !closed && dice.chance(0.3)) await ask(RECEIVE, { id });
  }

  async function work(closed: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const bookId of bookIds) {
        if (signal.aborted) return;
        const copies = await copiesOf(bookId).catch(() => []); // their turn comes again
        for (const copy of copies) await see(copy, closed.aborted).catch(() => {});
      }
      await sleep(1000, undefined, { signal }).catch(() => {});
    }
  }

  let working = Promise.resolve();
  return {
    open(closed) {
      working = work(closed);
    },
    async close() {
      closing.abort();
      await working;
    },
  };
}

/** Most copies are as they were; of the others one in three is gone. */
function conditionOf(dice: Dice): string {
  const throw_ = dice.next();
  if (throw_ < 0.1) return 'DAMAGED';
  if (throw_ < 0.15) return 'MISSING';
  return throw_ < 0.2 ? 'UNUSABLE' : 'GOOD';
}
