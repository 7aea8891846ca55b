/**
 * Loaded before a service's own code (`node --import`) by statements.test.ts: of each statement that a request has the database
 * sent, the request's trace id is written into one file, a line each, before the statement goes out.
 */
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Client } from 'pg';
import { cause, traceIdOf } from '#platform/trace.ts';

const file = process.env.TEST_STATEMENTS ?? '';
const ours = createRequire(import.meta.url);

for (const user of [ours, createRequire(ours.resolve('@mikro-orm/postgresql'))]) {
  const { prototype } = (user('pg') as { Client: { prototype: Client } }).Client; // each may have a copy of its own
  const { query } = prototype;
  Object.assign(prototype, {
    query(this: Client, ...args: Parameters<typeof query>) {
      const led = cause.getStore();
      if (led) appendFileSync(file, `${traceIdOf(led.traceparent)}\n`);
      return query.apply(this, args);
    },
  });
}
