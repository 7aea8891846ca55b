/** An import that is under way. It goes on while other views of the page are looked at. */
import type { CombinedError, OperationResult } from 'urql';
import { hasCode, isPassing } from '../client/client.ts';
import { pause } from '../client/live.ts';
import { followAccount } from '../client/session.ts';
import { createStore, useStore } from '../client/store.ts';
import { rowsOf, type Unreadable } from './csvRows.ts';
import type { ImportBooksMutation, ImportRowInput } from './importBooks.generated.ts';

/** As the API has it. */
const MOST_ROWS = 200;
/** The router takes 65,536 for the whole request. */
const MOST_BYTES = 56_000;
const LONGEST_PAUSE_MS = 15_000;

type Answer = ImportBooksMutation['importBooks'];
const NOTHING: ImportBooksMutation = { importBooks: { results: [], userErrors: [] } };
type Outcome = Answer['results'][number]['outcome'];

export interface Remark {
  line: number;
  outcome: Outcome;
  /** The server's sentence, or what is wrong with the lines. */
  said: string | Unreadable;
}

export interface Import {
  fileName: string;
  /** WAITING: the server does not answer, and is asked again. BROKEN: the file cannot be read any more, or `problem` says why. */
  state: 'RUNNING' | 'WAITING' | 'STOPPED' | 'DONE' | 'BROKEN';
  total: number;
  counts: Record<Outcome, number>;
  remarks: readonly Remark[];
  problem?: CombinedError;
  /** The first and the last of those that were sent when it broke off. */
  brokenLines?: readonly [number, number];
  /** Without the time in which it was stopped. */
  tookMs: number;
}

interface Batch {
  rows: ImportRowInput[];
  unreadable: Unreadable[];
}

const current = createStore<Import | null>(null);
/** Of what is shown. One that was left is another one: what comes of its last rows concerns nobody. */
let run: { stop(): void; goOn(): void } | undefined;

export const useImport = (): Import | null => useStore(current);

/** It is what is sent that is refused, not who sends it. */
const OF_THE_ROWS = ['BAD_USER_INPUT', 'PAYLOAD_TOO_LARGE'];

type Sent = Pick<OperationResult<ImportBooksMutation>, 'data' | 'error'>;

export function startImport(file: File, total: number, send: (rows: ImportRowInput[]) => Promise<Sent>): void {
  const batches = batchesOf(file);
  /** Parts of one that was refused, the next one last. */
  const parts: Batch[] = [];
  let batch: Batch | undefined;
  let working = false;
  let stopping = new AbortController();

  async function work(): Promise<void> {
    if (working) return; // it was stopped and gone on with within one answer
    working = true;
    try {
      for (let tries = 0; !stopping.signal.aborted; ) {
        const startedAt = Date.now();
        batch ??= parts.pop() ?? (await batches.next()).value;
        if (!batch) return end('DONE');
        const { rows, unreadable } = batch;
        const { data, error }: Sent = rows.length ? await send(rows) : { data: NOTHING };
        const answer = data?.importBooks;
        if (hasCode(error, ...OF_THE_ROWS) || answer?.userErrors.length) {
          parts.push(...partsOf(batch).reverse());
          batch = undefined;
          continue;
        }
        if (error && !isPassing(error)) return end('BROKEN', { problem: error, brokenLines: linesOf(rows) });
        if (answer) {
          change(({ counts, remarks, tookMs }) => ({
            state: stopping.signal.aborted ? 'STOPPED' : 'RUNNING',
            ...withResults({ counts, remarks }, answer, unreadable),
            tookMs: tookMs + Date.now() - startedAt,
          }));
          batch = undefined;
          tries = 0;
          continue;
        }
        if (stopping.signal.aborted) return;
        change(() => ({ state: 'WAITING' }));
        await pause(Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** tries++), stopping.signal);
      }
    } catch {
      end('BROKEN'); // the file has been moved or changed
    } finally {
      working = false;
    }
  }

  function change(changes: (before: Import) => Partial<Import>): void {
    const before = current.get();
    if (before && run === mine) current.set({ ...before, ...changes(before) });
  }

  function end(state: 'DONE' | 'BROKEN', why: Partial<Import> = {}): void {
    if (run === mine) removeEventListener('beforeunload', askFirst);
    change(() => ({ state, ...why }));
  }

  const mine = {
    stop() {
      stopping.abort();
      change(() => ({ state: 'STOPPED' }));
    },
    goOn() {
      stopping = new AbortController();
      change(() => ({ state: 'RUNNING' }));
      void work();
    },
  };
  run = mine;
  const counts = { IMPORTED: 0, UPDATED: 0, UNCHANGED: 0, LEFT_OUT: 0 };
  current.set({ fileName: file.name, state: 'RUNNING', total, counts, remarks: [], tookMs: 0 });
  addEventListener('beforeunload', askFirst);
  void work();
}

export const stopImport = (): void => run?.stop();
export const goOn = (): void => run?.goOn();

/** What is imported stays. */
export function leaveImport(): void {
  run?.stop();
  run = undefined;
  removeEventListener('beforeunload', askFirst);
  current.set(null);
}
followAccount(leaveImport);

const askFirst = (event: BeforeUnloadEvent) => event.preventDefault();

type Results = Pick<Import, 'counts' | 'remarks'>;

function withResults({ counts: before, remarks }: Results, { results }: Answer, unreadable: Unreadable[]): Results {
  const counts = { ...before };
  for (const { outcome } of results) counts[outcome]++;
  counts.LEFT_OUT += unreadable.length;
  const said = results.flatMap(({ line, outcome, remarks }) => remarks.map((said) => ({ line, outcome, said })));
  const skipped = unreadable.map((said) => ({ line: said.line, outcome: 'LEFT_OUT' as const, said }));
  return { counts, remarks: [...remarks, ...[...said, ...skipped].sort((a, b) => a.line - b.line)] };
}

/** What is wrong with one row refuses all: the halves are tried each by itself, down to that row, which is left out. */
function partsOf({ rows, unreadable }: Batch): Batch[] {
  if (rows.length <= 1)
    return [{ rows: [], unreadable: [...unreadable, ...rows.map((row) => leftOut(row, 'REFUSED'))] }];
  const half = rows.length / 2;
  return [
    { rows: rows.slice(0, half), unreadable },
    { rows: rows.slice(half), unreadable: [] },
  ];
}

const leftOut = ({ line }: ImportRowInput, why: Unreadable['why']): Unreadable => ({ line, to: line, why });

const linesOf = (rows: readonly ImportRowInput[]): [number, number] => [rows[0]?.line ?? 0, rows.at(-1)?.line ?? 0];

async function* batchesOf(file: File): AsyncGenerator<Batch, undefined> {
  const encoder = new TextEncoder();
  let batch: Batch = { rows: [], unreadable: [] };
  let bytes = 0;
  for await (const row of rowsOf(file)) {
    if ('why' in row) {
      batch.unreadable.push(row);
      continue;
    }
    const size = encoder.encode(JSON.stringify(row)).length + 1;
    if (size > MOST_BYTES) {
      batch.unreadable.push(leftOut(row, 'TOO_LONG'));
      continue;
    }
    if (batch.rows.length === MOST_ROWS || bytes + size > MOST_BYTES) {
      yield batch;
      batch = { rows: [], unreadable: [] };
      bytes = 0;
    }
    batch.rows.push(row);
    bytes += size;
  }
  if (batch.rows.length || batch.unreadable.length) yield batch;
}
