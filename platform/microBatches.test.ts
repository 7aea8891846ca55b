import { defineEntity, p } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { createDatabase } from '../tests/services.ts';
import { openDatabase } from './database.ts';
import { createLog } from './log.ts';
import { microBatched, sharedTransactions } from './microBatches.ts';

test('what arrives together, or while a batch is in flight, shares a batch; each gets the answer of its place', async () => {
  const batches: number[][] = [];
  const doubled = microBatched<number, number>({ size: 3, inFlight: 1 }, async (items) => {
    batches.push(items);
    return items.map((item) => 2 * item);
  });

  expect(await Promise.all([1, 2, 3, 4, 5].map(doubled))).toEqual([2, 4, 6, 8, 10]);
  expect(await doubled(6)).toBe(12);
  expect(batches).toEqual([[1, 2, 3], [4, 5], [6]]);
});

test('what was not decided joins the next batch, in front', async () => {
  const batches: string[][] = [];
  const decide = microBatched<string, string>({ size: 2, inFlight: 1 }, async (items) => {
    batches.push(items);
    return items.map((item) => (item === 'slow' && batches.length === 1 ? undefined : item));
  });

  expect(await Promise.all(['slow', 'a', 'b'].map(decide))).toEqual(['slow', 'a', 'b']);
  expect(batches).toEqual([
    ['slow', 'a'],
    ['slow', 'b'],
  ]);
});

test('an error is the error of its batch, and of no other', async () => {
  const fail = microBatched<number, number>({ size: 2, inFlight: 1 }, async (items) => {
    if (items.includes(1)) throw new Error('The database is away');
    return items;
  });

  const outcomes = await Promise.allSettled([1, 2, 3].map(fail));

  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
});

const NoteSchema = defineEntity({ name: 'Note', properties: { id: p.integer().primary(), text: p.string() } });
class Note extends NoteSchema.class {}
NoteSchema.setClass(Note);
class CreateNote extends Migration {
  override up(): void {
    this.addSql(
      'CREATE TABLE note (id int PRIMARY KEY, text text NOT NULL, tx xid8 NOT NULL DEFAULT pg_current_xact_id())',
    );
  }
}

test('transactions are shared by works that come together; one that fails takes no other with it', async () => {
  const orm = await openDatabase({
    url: await createDatabase('batches'),
    entities: [Note],
    migrations: [{ name: 'note', class: CreateNote }],
    log: createLog('test', 'silent'),
  });
  try {
    const share = sharedTransactions(() => orm.em.fork(), { size: 10, inFlight: 1 });
    const write = (id: number) => share(String(id), async (em) => em.create(Note, { id, text: 'a note' }).id);
    const transactions = () =>
      orm.em.fork().execute('SELECT count(*)::int AS notes, count(DISTINCT tx)::int AS transactions FROM note');

    expect(await Promise.all([1, 2, 3].map(write))).toEqual([1, 2, 3]);
    expect(await transactions()).toEqual([{ notes: 3, transactions: 1 }]);

    const outcomes = await Promise.allSettled([write(4), write(1), write(5)]); // there is a note 1
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await transactions()).toEqual([{ notes: 5, transactions: 3 }]);
  } finally {
    await orm.close();
  }
});
