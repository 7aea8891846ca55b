/** `npm run bench -- NAME`: one benchmark, told while it goes; the last line is its result as JSON, which is kept in results/. */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release, type as system, totalmem } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '#platform/errors.ts';
import { rounded } from './figures.ts';
import { history } from './history.ts';
import { hotTitle } from './hotTitle.ts';
import { importBooks } from './import.ts';
import { live } from './live.ts';
import type { Outcome } from './outcome.ts';
import { overload } from './overload.ts';
import { page } from './page.ts';
import { reads } from './reads.ts';
import { relay } from './relay.ts';
import { rent } from './rent.ts';
import { search } from './search.ts';
import { start } from './start.ts';
import { say } from './table.ts';

interface Bench {
  title: string;
  run(file?: string): Promise<Outcome>;
  /** Of real books, instead of what it makes up. */
  takesFile?: true;
}

const benches: Record<string, Bench> = {
  history: { title: 'pages of an order history among ten million orders, beside OFFSET', run: history },
  'hot-title': { title: 'reservations a second on one title that everybody wants', run: hotTitle },
  import: { title: '10,000 books into the running system, beside one mutation after the other', run: importBooks },
  live: { title: 'order status told to thousands of customers, beside Hive Gateway', run: live },
  overload: { title: 'twice as many requests as can be paid, and what becomes of them', run: overload },
  page: { title: 'how soon a phone shows books, beside the same view as ready-made HTML', run: page },
  reads: { title: 'federated reads through our router, Hive Gateway and the stock gateway of Apollo', run: reads },
  relay: { title: 'from the commit of an event to the stream, and a wiped broker', run: relay },
  rent: { title: 'rentals through the router, beside one transaction of one database', run: rent },
  search: { title: 'the catalogue search among 82,000 and a million titles', run: search, takesFile: true },
  start: { title: 'how soon `npm start` is ready, and how much memory it takes', run: start },
};

const names = Object.keys(benches);
const usage = `Usage: npm run bench -- NAME

${names.map((name) => `  ${name.padEnd(12)}${benches[name]?.title}${benches[name]?.takesFile ? ' [BOOKS.csv]' : ''}`).join('\n')}

Each takes some minutes, with servers of its own on this machine. bench/README.md says what is measured.`;

async function main([name, ...more]: string[]): Promise<number> {
  if (name === '--help' || name === '-h') {
    say(usage);
    return 0;
  }
  const bench = name && Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (!bench || more.length > (bench.takesFile ? 1 : 0)) {
    const mistake = bench ? 'One benchmark at a time' : name ? `There is no benchmark ${name}` : 'Name a benchmark';
    process.stderr.write(`${mistake}: ${new Intl.ListFormat('en', { type: 'disjunction' }).format(names)}.\n`);
    return 2;
  }

  say(`${name}: ${bench.title}`);
  const loadBefore = rounded(loadavg()[0] ?? 0); // of the minute before: what else the machine had to do
  const { servers, ...outcome } = await bench.run(more[0]);
  const result = JSON.stringify({
    name,
    ...outcome,
    ratio: rounded(outcome.ratio),
    machine: { ...machine(servers), loadBefore },
  });
  writeFileSync(
    join(import.meta.dirname, 'results', `${name}.json`),
    `${JSON.stringify(JSON.parse(result), null, 2)}\n`,
  );
  say('');
  say(result);
  return 0;
}

const machine = (servers: Record<string, string>) => ({
  cores: cpus().length,
  cpu: cpus()[0]?.model,
  memoryGib: rounded(totalmem() / 2 ** 30),
  os: `${system()} ${release()}`,
  node: process.version,
  ...servers,
});

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${reasonOf(error)}\n`);
  return 1;
});
