/** The subscription: what a customer's log says from a position on, and then what it comes to say, each entry once and in order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseIsAway, type EntityManager } from '#platform/database.ts';
import { badUserInput } from '#platform/errors.ts';
import { isId } from '#platform/ids.ts';
import { Position } from '#platform/subscriptions.ts';
import { isStaff, type Viewer } from '#platform/tokens.ts';
import type { Bell, Bells } from './bells.ts';
import { cursorOf, type Position as PositionInLog, positionOf } from './customer.ts';
import { Order, type OrderEvent } from './entities.ts';
import { type Loaders, loadersOf } from './loaders.ts';
import { type ChangesPage, createChangesReader, headOf, latestChanges, PAGE, type ReadChanges } from './orderLog.ts';

export interface OrderStatusArgs {
  rentalId?: string | null;
  after?: string | null;
}

/** No rental has it: what is asked for by a malformed id stays silent like any other that is unknown. */
const NO_RENTAL = '00000000-0000-0000-0000-000000000000';

const RETRY_MS = 500;

/** What the subscriptions of a process share. */
export interface Live {
  bells: Bells;
  readChanges: ReadChanges;
  loaders: Loaders;
}

export const openLive = (em: () => EntityManager, bells: Bells): Live => ({
  bells,
  readChanges: createChangesReader(em),
  loaders: loadersOf(em, { cache: false }),
});

interface Reading {
  /** A fresh one for each page, so that no connection is held between pages. */
  em: () => EntityManager;
  readChanges: ReadChanges;
  bell: Bell;
  customerId: string;
  rentalId: string | null;
}

/**
 * Changes of status as they are committed: after the cursor `after`, or without one after the latest change of each order
 * that is open, recent or named. Staff may name anybody's rental; then the log, and the cursor, are its owner's, and of one
 * that is not known yet they hear from its first change on.
 * @throws BAD_USER_INPUT for a cursor that is malformed, of another customer or from the future
 */
export async function orderStatus(
  em: () => EntityManager,
  { bells, readChanges }: Live,
  viewer: Viewer,
  args: OrderStatusArgs,
): Promise<AsyncIterableIterator<OrderEvent | Position>> {
  const rentalId = args.rentalId && !isId(args.rentalId) ? NO_RENTAL : (args.rentalId ?? null);
  const owner = await ownerOfLog(em(), viewer, rentalId);
  const customerId = owner ?? viewer.customerId;
  const head = await headOf(em(), customerId);
  const after = typeof args.after === 'string' ? numberIn(args.after, customerId, viewer, head) : null;
  if (rentalId && !owner) return onceKnown(em, { bells, readChanges }, rentalId, { customerId, number: after ?? head });
  const bell = bells.listen(customerId);
  const reading = { em, readChanges, bell, customerId, rentalId };
  return closing(bell, after === null ? latestThenLive(reading, head) : live(reading, after));
}

/** Null for a rental that staff have named before anything is known of it. */
async function ownerOfLog(em: EntityManager, viewer: Viewer, rentalId: string | null): Promise<string | null> {
  if (!rentalId || !isStaff(viewer)) return viewer.customerId;
  const order = await em.findOne(Order, { id: rentalId });
  return order?.customerId ?? null;
}

/** From the first change on for staff who come back to a rental that was not known: until then they are in their own log. */
function numberIn(cursor: string, customerId: string, viewer: Viewer, head: number): number {
  const position = positionOf(cursor);
  if (!position) throw badUserInput('"after" is not a cursor of this subscription.');
  if (isStaff(viewer) && position.customerId === viewer.customerId && customerId !== viewer.customerId) return 0;
  if (position.customerId !== customerId) throw badUserInput('"after" is a cursor of another customer\'s orders.');
  if (position.number > head) throw badUserInput('"after" is a cursor from the future.');
  return position.number;
}

/** Waits until the order is there, and reads its owner's log. `from` is where to come back to while it is not. */
function onceKnown(
  em: () => EntityManager,
  { bells, readChanges }: Pick<Live, 'bells' | 'readChanges'>,
  rentalId: string,
  from: PositionInLog,
): AsyncIterableIterator<OrderEvent | Position> {
  let bell = bells.listenForOrder(rentalId);
  const current = {
    rung: () => bell.rung(),
    get closed() {
      return bell.closed;
    },
    close: () => bell.close(),
  };

  async function* events(): AsyncGenerator<OrderEvent | Position> {
    yield new Position(cursorOf(from));
    while (await bell.rung()) {
      const order = await whenReachable(bell, () => em().findOne(Order, { id: rentalId }));
      if (!order || bell.closed) continue;
      bell.close();
      bell = bells.listen(order.customerId);
      yield* live({ em, readChanges, bell, customerId: order.customerId, rentalId }, 0);
    }
  }

  return closing(current, events());
}

/** After the snapshot comes where it ends: there may have been nothing in it to go on from. */
async function* latestThenLive(reading: Reading, head: number): AsyncGenerator<OrderEvent | Position> {
  const { em, bell, customerId, rentalId } = reading;
  let number = 0;
  let page: OrderEvent[];
  do {
    page = await whenReachable(bell, () => latestChanges(em(), { customerId, number }, head, rentalId));
    for (const event of page) {
      number = event.number;
      yield event;
    }
  } while (page.length === PAGE);
  yield new Position(cursorOf({ customerId, number: head }));
  yield* live(reading, head);
}

async function* live({ readChanges, bell, customerId, rentalId }: Reading, after: number): AsyncGenerator<OrderEvent> {
  let number = after;
  let page: ChangesPage;
  do {
    page = await whenReachable(bell, () => readChanges({ customerId, number, rentalId }));
    for (const event of page.changes) {
      number = event.number;
      yield event;
    }
    // Nothing up to the head is left out, so the next page need not look there again.
    if (page.changes.length < PAGE) number = Math.max(number, page.head);
  } while (page.changes.length === PAGE || (await bell.rung()));
}

/** A database that is away for a while is waited out: nothing in the log gets lost by it. */
async function whenReachable<T>(bell: Bell, read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (bell.closed || !databaseIsAway(error)) throw error;
      await sleep(RETRY_MS);
    }
  }
}

/** A generator answers `return()` only once it has come to its next event; closing the bell ends that wait. */
function closing<T>(bell: Bell, events: AsyncGenerator<T>): AsyncIterableIterator<T> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        return await events.next();
      } catch (error) {
        if (bell.closed) return { done: true, value: undefined }; // nobody listens any more
        bell.close();
        throw error;
      }
    },
    async return() {
      bell.close();
      void events.return(undefined);
      return { done: true, value: undefined };
    },
  };
}
