/** The whole system and a browser, for the tests of a file; each of them fails when a page asks another host for anything, or its policy refuses something. */
import type { Environment } from '../../local/services.ts';
import { type System, startSystem } from '../system.ts';
import { openBrowser, type Visitor, type Visitors } from './browser.ts';

export interface Shop {
  /** Both are there once the tests run, and in a `beforeAll` that follows. */
  readonly system: System;
  readonly visitors: Visitors;
  /** Somebody new comes to it, with nothing kept from before. */
  visit(...how: Parameters<Visitors['visit']> extends [string, ...infer Rest] ? Rest : never): Promise<Visitor>;
}

/** Opens before the tests and closes after them; `settings` tune the services. */
export function openShop(settings: Environment = {}): Shop {
  let open: { system: System; visitors: Visitors } | undefined;
  const shop = () => {
    if (!open) throw new Error('The shop opens before the tests of the file');
    return open;
  };

  beforeAll(async () => {
    const system = await startSystem(settings);
    open = { system, visitors: await openBrowser() };
  });
  afterEach(() => expect(shop().visitors.trespasses).toEqual([]));
  afterAll(async () => {
    await open?.visitors.close();
    await open?.system.stop();
  });

  return {
    get system() {
      return shop().system;
    },
    get visitors() {
      return shop().visitors;
    },
    visit: (...how) => shop().visitors.visit(shop().system.url, ...how),
  };
}
