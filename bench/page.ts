/** How soon a reader with a phone sees books: the first view in a throttled browser, beside the same view as ready-made HTML. */
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { openBrowser, phone, type Visitor } from '../tests/browser/browser.ts';
import { eventually } from '../tests/client.ts';
import { startSystem } from '../tests/system.ts';
import { ratiosOf, spreadOf, spreadText } from './figures.ts';
import type { Outcome } from './outcome.ts';
import { printTable, say } from './table.ts';

const ROUNDS = 7;
/** What is aimed at on 4G. */
const BUDGET_MS = 1500;

/** Bytes a second and ms for each request, as browsers' developer tools and Lighthouse throttle; the processor is slowed down as theirs, too. */
const lines = {
  '4G': { down: (9 * 1_000_000) / 8, up: (1.5 * 1_000_000) / 8, latencyMs: 165, slowerCpu: 4 },
  'slow 4G': { down: (1.6 * 1_000_000) / 8, up: (0.75 * 1_000_000) / 8, latencyMs: 150, slowerCpu: 4 },
};
type Line = keyof typeof lines;

interface View {
  /** Of the first thing that is painted. */
  paintedMs: number;
  /** Until books are there. */
  booksMs: number;
}

export async function page(): Promise<Outcome> {
  execFileSync(process.execPath, [join(import.meta.dirname, '..', 'web', 'build.ts')], { stdio: 'inherit' });
  const system = await startSystem();
  const { browser, visit, close } = await openBrowser();
  try {
    const ready = await readyMade(await visit(system.url, 'phone'));
    const table = printTable(['', 'painted, ms', 'books, ms', 'ready-made, ms'], [10, 24, 24, 24]);
    const figures: Record<string, object> = {};
    const ratios: number[] = [];
    for (const name of Object.keys(lines) as Line[]) {
      const ours: View[] = [];
      const theirs: View[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        ours.push(await look(browser, system.url, name));
        theirs.push(await look(browser, ready.url, name));
      }
      const painted = spreadOf(ours.map(({ paintedMs }) => paintedMs));
      const books = spreadOf(ours.map(({ booksMs }) => booksMs));
      const limit = spreadOf(theirs.map(({ booksMs }) => booksMs));
      table.row(name, spreadText(painted), spreadText(books), spreadText(limit));
      const ratio = ratiosOf(
        theirs.map(({ booksMs }) => booksMs),
        ours.map(({ booksMs }) => booksMs),
      );
      figures[name] = { line: lines[name], painted, books, readyMade: limit, ratio };
      ratios.push(ratio.median);
    }
    await ready.close();
    say(`Aimed at on 4G: books within ${BUDGET_MS} ms.`);
    return {
      ratio: ratios[0] ?? 0,
      against: 'the same view as ready-made HTML with its styles, from the same machine: until books are there on 4G',
      figures: { rounds: ROUNDS, budgetMs: BUDGET_MS, ...figures },
      servers: { chromium: browser.version() },
    };
  } finally {
    await close();
    await system.stop();
  }
}

/** In the page: notes when the first book is there. */
const NOTE_BOOKS = `new MutationObserver((_, observer) => {
  if (!document.querySelector('.books li')) return;
  globalThis.booksAt = performance.now();
  observer.disconnect();
}).observe(document, { childList: true, subtree: true })`;

/** A first visit, with nothing kept from before. */
async function look(browser: Browser, url: string, name: Line): Promise<View> {
  const { down, up, latencyMs, slowerCpu } = lines[name];
  const context = await browser.newContext(phone);
  const page = await context.newPage();
  const developer = await context.newCDPSession(page);
  await developer.send('Network.enable');
  await developer.send('Network.emulateNetworkConditions', {
    offline: false,
    downloadThroughput: down,
    uploadThroughput: up,
    latency: latencyMs,
  });
  await developer.send('Emulation.setCPUThrottlingRate', { rate: slowerCpu });
  await page.addInitScript(NOTE_BOOKS);
  await page.goto(url, { waitUntil: 'commit' });
  await page.locator('.books li').first().waitFor({ timeout: 60_000 });
  const paintedMs = await eventually(
    () => page.evaluate<number>(`performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0`),
    (at) => at > 0,
  );
  const view = { paintedMs, booksMs: await page.evaluate<number>('globalThis.booksAt') };
  await context.close();
  return view;
}

/** Serves what the view has become, without its scripts: no page can show it sooner. */
async function readyMade({ page }: Visitor) {
  await page.locator('.books li').first().waitFor();
  const styles = await page.evaluate<string>(
    `Promise.all([...document.querySelectorAll('link[rel=stylesheet]')].map((link) => fetch(link.href).then((answer) => answer.text())))
       .then((texts) => texts.join(''))`,
  );
  const content = (await page.content())
    .replace(/<script[^>]*><\/script>|<link[^>]*>/g, '')
    .replace('</head>', `<style>${styles}</style></head>`);
  await page.context().close();
  const html = gzipSync(content);
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-encoding': 'gzip' });
    response.end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, // a TCP server has one
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
