import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Installer, installNats, natsProgram } from './natsProgram.ts';

const folder = mkdtempSync(join(tmpdir(), 'rentabook-nats-program-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program that only says its version. */
function program(name: string, version: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  chmodSync(path, 0o755);
  return path;
}

const broken: Installer = { title: 'a broken tool', install: () => Promise.reject(new Error('no network')) };
const working: Installer = {
  title: 'a working tool',
  install: async (into) => writeFileSync(join(into, 'nats-server'), '#!/bin/sh\necho "nats-server: v2.15.1"\n'),
};

test('the nats-server that NATS_SERVER names is taken, whatever else there is', async () => {
  const path = program('new', '2.14.0');

  expect(await natsProgram({ named: path })).toEqual({ path, version: '2.14.0' });
});

test('one that is too old is refused by name, as is one that is not there', async () => {
  await expect(natsProgram({ named: program('old', '2.9.10') })).rejects.toThrow(
    /old, which is no nats-server 2\.14 or newer: it is version 2\.9\.10$/,
  );
  await expect(natsProgram({ named: join(folder, 'none') })).rejects.toThrow(/none, which is no nats-server/);
});

test('the first tool that can installs it', async () => {
  const path = join(folder, 'cache', 'nats-server');

  expect(await installNats(path, [broken, working])).toEqual({ path, version: '2.15.1' });
  expect(await natsProgram({ named: path })).toEqual({ path, version: '2.15.1' });
});

test('when no tool can, one sentence says what to do', async () => {
  await expect(installNats(join(folder, 'nowhere', 'nats-server'), [broken])).rejects.toThrow(
    'No nats-server 2.14 or newer was found, and none could be installed with a broken tool: install one from https://nats.io/download, set NATS_SERVER to its path, or set NATS_URL to a running server.',
  );
});
