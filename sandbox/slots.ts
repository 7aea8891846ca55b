import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after `delayMs` in a slot; while all are taken, callers wait in the order they came. */
export type TakeSlot = () => Promise<void>;

export function createSlots(count: number, delayMs: number): TakeSlot {
  /** When each slot is free again. Counted from the end that was planned, so a late timer costs no capacity. */
  const freeAt = new Array<number>(count).fill(0);
  let turn = 0;

  return async () => {
    // All take the same time, so the slot that was taken first is free first.
    const slot = turn++ % count;
    const now = performance.now();
    const end = Math.max(now, freeAt[slot] ?? now) + delayMs;
    freeAt[slot] = end;
    await sleep(end - now);
  };
}
