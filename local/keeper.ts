/** Keeps a program running: one that ends unasked is started again, later each time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '#platform/errors.ts';
import type { Running } from './running.ts';

/** 0.2 s, 0.4 s, 0.8 s … 10 s: quick after an accident, gentle on a machine where nothing helps. */
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 10_000;
/** After so long a life the next end is an accident, not a repetition. */
const HEALTHY_MS = 30_000;

export class Keeper {
  readonly #name: string;
  readonly #launch: () => Running;
  readonly #say: (sentence: string) => void;
  #running: Running | undefined;
  #stopping = new AbortController();

  constructor(name: string, launch: () => Running, say: (sentence: string) => void) {
    this.#name = name;
    this.#launch = launch;
    this.#say = say;
  }

  /** Ends the process at once, as an accident would: it is started again. */
  kill(): void {
    this.#running?.kill();
  }

  /** Resolves when the program is ready; from then on it is kept. @throws when it cannot be started: then it is not tried again. */
  async start(): Promise<void> {
    const stopping = new AbortController();
    this.#stopping = stopping;
    this.#running = this.#launch();
    try {
      await this.#running.ready;
    } catch (error) {
      await this.#running.ended;
      throw new Error(`${this.#name} could not be started: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    void this.#keep(stopping.signal);
  }

  /** Ends the program for good, or until the next `start`. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running?.stop();
  }

  async #keep(stopping: AbortSignal): Promise<void> {
    for (let repetitions = 0; ; repetitions++) {
      const launchedAt = Date.now();
      const how = await this.#running?.ended;
      if (stopping.aborted) return;
      if (Date.now() - launchedAt > HEALTHY_MS) repetitions = 0;

      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** repetitions);
      this.#say(`${this.#name} ended (${how}); it is started again in ${delayMs / 1000} s.`);
      await sleep(delayMs, undefined, { signal: stopping }).catch(() => {});
      if (stopping.aborted) return;
      this.#running = this.#launch();
    }
  }
}
