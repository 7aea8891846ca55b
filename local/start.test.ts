import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { wholeEnvironment } from '#platform/config.ts';
import { claimFolder } from './folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'rentabook-start-'));
const server = createServer();
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const start = (settings: Record<string, string>) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, 'start.ts')], {
    env: wholeEnvironment({ RENTABOOK_DATA: folder, ...settings }),
  });

test('a second start on the same data says in one sentence that it already runs', async () => {
  const first = claimFolder(folder);

  const refused = start({});

  await expect(refused).rejects.toMatchObject({
    code: 1,
    stdout: `Rentabook already runs on the data in ${folder}: stop it first, or set RENTABOOK_DATA to another folder.\n`,
    stderr: '',
  });
  first?.release();
});

test('a port in use is named', async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has one

  const refused = start({ PORT: String(port) });

  await expect(refused).rejects.toMatchObject({
    code: 1,
    stdout: `Port ${port} is in use: stop what listens on it, or set PORT to another one.\n`,
    stderr: '',
  });
});

test('every wrong setting is named', async () => {
  await expect(start({ PORT: 'four thousand', HOST: '127.0.0.1' })).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('PORT '),
  });
});
