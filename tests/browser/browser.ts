/** A real Chromium, as people have it: a phone in Korean, a desktop in English. Nothing on a page may ask any host but the shop's. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Of every view that a test has looked at, for people to look at too. */
export const SHOTS = join(import.meta.dirname, '..', '..', '.cache', 'screenshots');

export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
  locale: 'ko-KR',
  timezoneId: 'Asia/Seoul',
};
const desktop: BrowserContextOptions = {
  viewport: { width: 1280, height: 900 },
  locale: 'en-GB',
  timezoneId: 'Asia/Seoul',
};
const devices = { phone, desktop };

/** This machine by a name that a browser does not trust: there is no navigator.locks without HTTPS. */
export const INSECURE_HOST = 'shop.test';

export interface Visitor {
  page: Page;
  context: BrowserContext;
  /** Keeps what is to be seen now under a name. */
  shoot(name: string): Promise<void>;
  /** Errors of the page's script. */
  complaints: string[];
}

export interface Visitors {
  browser: Browser;
  /** What a page has asked of another host than the shop's, or its policy has refused, in all visits. */
  trespasses: string[];
  /** Somebody new, with nothing kept from before. */
  visit(url: string, device: keyof typeof devices, options?: BrowserContextOptions): Promise<Visitor>;
  close(): Promise<void>;
}

export async function openBrowser(): Promise<Visitors> {
  const browser = await chromium.launch({
    executablePath: program(),
    args: ['--no-sandbox', '--disable-dev-shm-usage', `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`],
  });
  const trespasses: string[] = [];
  return {
    browser,
    trespasses,
    async visit(url, device, options = {}) {
      const context = await browser.newContext({
        baseURL: url,
        reducedMotion: 'reduce',
        ...devices[device],
        ...options,
      });
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const complaints = listen(context, url, trespasses);
      await page.goto('/');
      return {
        page,
        context,
        complaints,
        shoot: async (name) => {
          await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
        },
      };
    },
    close: () => browser.close(),
  };
}

function listen(context: BrowserContext, url: string, trespasses: string[]): string[] {
  const { host } = new URL(url);
  const complaints: string[] = [];
  context.on('request', (request) => {
    const asked = new URL(request.url());
    if (asked.host !== host && !['data:', 'blob:'].includes(asked.protocol)) trespasses.push(request.url());
  });
  context.on('weberror', (error) => complaints.push(`threw ${error.error().message}`));
  context.on('console', (message) => {
    if (/Content.Security.Policy|TrustedHTML|trusted type/i.test(message.text())) trespasses.push(message.text());
  });
  return complaints;
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds against the page as it is now, a line each. */
export async function violations(page: Page): Promise<string[]> {
  // By the debugger and not by a script element, which the page's policy rightly refuses.
  const { violations: found } = (await page.evaluate(`${axe}; axe.run(document)`)) as AxeResults; // its own answer
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`),
  );
}

/** @throws with what to install when there is none */
function program(): string {
  const named = process.env.CHROMIUM;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const places = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) =>
    folders.map((folder) => join(folder, name)),
  );
  const found = named ?? places.find((place) => existsSync(place));
  if (!found)
    throw new Error(
      'No Chromium was found: install one (Debian: apt-get install chromium fonts-noto-cjk), or set CHROMIUM to its path.',
    );
  return found;
}
