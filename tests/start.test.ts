/** `npm start` as a newcomer has it: one command, Ctrl-C, and the same again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { wholeEnvironment } from '#platform/config.ts';
import { claimFolder } from '../local/folder.ts';
import { freePort, portIsFree } from '../local/ports.ts';
import { clientOf, eventually, signUp } from './client.ts';
import { runCommand } from './command.ts';
import { makeFolder, removeFolder } from './folders.ts';

const folder = makeFolder();
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const started: ChildProcess[] = [];

afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  const claim = await eventually(
    () => claimFolder(folder),
    (claim) => claim !== null,
  );
  if (claim) await removeFolder(claim);
});

/** Resolves with what it has said, once that it is ready is among it. @throws when it ends before. */
async function start(settings: Record<string, string>) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'local', 'start.ts')], {
    env: wholeEnvironment({ RENTABOOK_DATA: folder, PORT: String(port), ...settings }),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  started.push(child);
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (line.startsWith('Rentabook is ready')) return { child, said };
  }
  throw new Error(`It ended before it was ready: ${said.join('\n')}`);
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exit = once(child, 'exit', { signal: AbortSignal.timeout(10_000) });
  child.kill(signal);
  const [code] = await exit;
  return code;
}

const ownServers = { DATABASE_URL: '', NATS_URL: '' };
const portsInUse = async () => {
  const ports: number[] = Object.values(JSON.parse(readFileSync(join(folder, 'ports.json'), 'utf8')));
  const free = await Promise.all([port, ...ports].map((port) => portIsFree(port)));
  return free.filter((isFree) => !isFree).length;
};

test('a first start makes the shop, Ctrl-C ends all of it within 10 s, a second start has its data', async () => {
  const first = await start(ownServers);
  expect(first.said.join('\n')).toMatch(/reader@demo.test.*admin@demo.test/);
  expect(first.said.join('\n')).toContain('The page is built');
  const page = await fetch(`${url}/`, { headers: { accept: 'text/html' } });
  expect(await page.text()).toContain('{&quot;stripe&quot;:null,&quot;oidc&quot;:false}');
  const graphiql = await fetch(`${url}/graphiql`, { headers: { accept: 'text/html' } });
  expect(await graphiql.text()).toContain('GraphiQL');
  const { data } = await clientOf(url).ask('{ books { totalCount } }');
  expect(data.books.totalCount).toBeGreaterThanOrEqual(60);
  expect(await runCommand('operate/smoke.ts', {}, url)).toMatchObject({ code: 0 });
  const person = await signUp(url);

  expect(await stop(first.child, 'SIGINT')).toBe(0);
  expect(await portsInUse()).toBe(0);
  expect(existsSync(join(folder, 'environment.json'))).toBe(false);

  const second = await start(ownServers);
  expect(await clientOf(url, person.token).data('{ me { name } }')).toEqual({ me: { name: 'A Reader' } });
  expect((await clientOf(url).ask('{ books { totalCount } }')).data).toEqual(data);
  expect(await stop(second.child, 'SIGTERM')).toBe(0);
}, 120_000);

test('after kill -9 the next start takes over', async () => {
  const killed = await start(ownServers);
  const person = await signUp(url);

  await stop(killed.child, 'SIGKILL');
  const next = await start(ownServers);

  expect(await clientOf(url, person.token).data('{ me { name } }')).toEqual({ me: { name: 'A Reader' } });
  expect(await stop(next.child, 'SIGINT')).toBe(0);
  expect(await portsInUse()).toBe(0);
}, 120_000);

test('DATABASE_URL and NATS_URL name existing servers, which are used instead', async () => {
  const { child, said } = await start({}); // the test run's own stand in the environment

  expect(said.join('\n')).toMatch(/the server of DATABASE_URL, postgresql:\/\/127\.0\.0\.1:\d+\/postgres/);
  expect(said.join('\n')).toMatch(/the server of NATS_URL, nats:\/\/127\.0\.0\.1:\d+/);
  expect(await stop(child, 'SIGINT')).toBe(0);
}, 120_000);
