import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choosePorts, freePort } from './ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'rentabook-ports-'));
const server = createServer();
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

test('a port in use gives way to a free one, which is kept from then on', async () => {
  const file = join(folder, 'ports.json');
  const wished = { book: await freePort(), rental: await freePort() };
  server.listen(wished.rental, '127.0.0.1');
  await once(server, 'listening');

  const chosen = await choosePorts(file, wished);
  server.close();
  await once(server, 'close');

  expect(chosen.book).toBe(wished.book);
  expect(chosen.rental).not.toBe(wished.rental);
  expect(await choosePorts(file, wished)).toEqual(chosen);
});

test('no port is given twice, though nobody listens on it yet', async () => {
  const ports = new Set<number>();
  for (let count = 0; count < 500; count++) ports.add(await freePort());
  expect(ports.size).toBe(500);
});
