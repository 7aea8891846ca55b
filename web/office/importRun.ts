/** An import that is under way. It goes on while other views of the page are looked at. */
import type { CombinedError, OperationResult } from 'urql';
import { isPassing } from '../client/client.ts';
import { pause } from '../client/live.ts';
import { followAccount } from '../client/session.ts';
import { createStore, useStore } from '../client/store.ts';
import type { UserError } from '../language/refusals.ts';
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
  text: string;
}

export interface Import {
  fileName: string;
  /** WAITING: the server does not answer, and is asked again. BROKEN: the file cannot be read any more, or `errors` or `problem` say why. */
  state: 'RUNNING' | 'WAITING' | 'STOPPED' | 'DONE' | 'BROKEN';
  total: number;
  counts: Record<Outcome, number>;
  remarks: readonly Remark[];
  errors: readonly UserError[];
  problem?: CombinedError;
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

type Sent = Pick<OperationResult<ImportBooksMutation>, 'data' | 'error'>;

export function startImport(file: File, total: number, send: (rows: ImportRowInput[]) => Promise<Sent>): void {
  const batches = batchesOf(file);
  let batch: Batch | undefined;
  let working = false;
  let stopping = new AbortController();

  async function work(): Promise<void> {
    if (working) return; // it was stopped and gone on with within one answer
    working = true;
    try {
      for (let tries = 0; !stopping.signal.aborted; ) {
        const startedAt = Date.now();
        batch ??= (await batches.next()).value;
        if (!batch) return end('DONE');
        const { rows, unreadable } = batch;
        const { data, error }: Sent = rows.length ? await send(rows) : { data: NOTHING };
        if (error && !isPassing(error)) return end('BROKEN', { problem: error });
        const answer = data?.importBooks;
        if (answer?.userErrors.length) return end('BROKEN', { errors: answer.userErrors });
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
  current.set({ fileName: file.name, state: 'RUNNING', total, counts, remarks: [], errors: [], tookMs: 0 });
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
  const said = results.flatMap(({ line, outcome, remarks }) => remarks.map((text) => ({ line, outcome, text })));
  const skipped = unreadable.map(({ line, why }) => ({ line, outcome: 'LEFT_OUT' as const, text: why }));
  return { counts, remarks: [...remarks, ...[...said, ...skipped].sort((a, b) => a.line - b.line)] };
}

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
      batch.unreadable.push({ line: row.line, why: `it is longer than ${MOST_BYTES} bytes` });
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
