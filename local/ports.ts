/** TCP ports of this machine, chosen so that a restart finds them again. */
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { codeOf } from '#platform/errors.ts';

export async function portIsFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** Below what Linux and macOS give to outgoing connections (32768 and 49152 up), so none of those takes it before its server does. */
const FIRST = 20_000;
const COUNT = 12_000;
/** Tried first: another process that chooses at the same moment looks elsewhere. */
const OF_A_PROCESS = 30;
const start = FIRST + (process.pid % (COUNT / OF_A_PROCESS)) * OF_A_PROCESS;

/** By this process, whether its server listens yet or not. */
const given = new Set<number>();

/** Never the same one twice. */
export async function freePort(): Promise<number> {
  for (let tried = 0; ; tried++) {
    const port = tried < OF_A_PROCESS ? start + tried : FIRST + Math.floor(Math.random() * COUNT);
    if (given.has(port)) continue;
    given.add(port);
    if (await portIsFree(port)) return port;
  }
}

/** Those of the last time, which `file` remembers, else the wished ones; a port in use, or 0, gives way to a free one. */
export async function choosePorts<Name extends string>(
  file: string,
  wished: Record<Name, number>,
): Promise<Record<Name, number>> {
  const ports = { ...wished, ...(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) };
  for (const name of Object.keys(wished) as Name[]) {
    if (!ports[name] || !(await portIsFree(ports[name]))) ports[name] = await freePort();
  }
  writeFileSync(file, `${JSON.stringify(ports, null, 2)}\n`);
  return ports;
}
