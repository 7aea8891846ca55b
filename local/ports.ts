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
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
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
