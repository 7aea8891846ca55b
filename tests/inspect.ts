/** How much memory a process holds, asked from outside through Node's inspector: nothing in the process has to know of it. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Running } from '../local/running.ts';
import { launchProcess, type ServiceOptions } from '../local/services.ts';

export interface Memory {
  rssBytes: number;
  heapUsedBytes: number;
  /** Outside the heap, but held by objects in it: buffers, above all. */
  externalBytes: number;
}

/** As `launchProcess` of local/services.ts, with an inspector on the port that `memoryOf` is given. */
export const launchInspected = (
  file: string,
  { inspectPort, ...options }: ServiceOptions & { inspectPort: number },
): Running => launchProcess(file, { ...options, execArgv: [`--inspect=127.0.0.1:${inspectPort}`] });

/**
 * The memory of a process that was started with `--inspect=127.0.0.1:<port>`, after a full garbage collection: what is left
 * is held by something. The process stands still meanwhile, so it is no figure to take while latency is measured.
 */
export async function memoryOf(inspectPort: number): Promise<Memory> {
  const targets = await fetch(`http://127.0.0.1:${inspectPort}/json/list`);
  const [target] = (await targets.json()) as { webSocketDebuggerUrl: string }[];
  if (!target) throw new Error(`Nothing can be inspected on port ${inspectPort}.`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await once(socket, 'open');
  try {
    await ask(socket, 1, 'HeapProfiler.collectGarbage');
    await ask(socket, 2, 'HeapProfiler.collectGarbage'); // what only finalizers of the first one have let go
    const expression = 'JSON.stringify(process.memoryUsage())';
    const { result } = (await ask(socket, 3, 'Runtime.evaluate', { expression })) as { result: { value: string } };
    const { rss, heapUsed, external } = JSON.parse(result.value) as NodeJS.MemoryUsage;
    return { rssBytes: rss, heapUsedBytes: heapUsed, externalBytes: external };
  } finally {
    socket.close();
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
  }
}

/** One command of the Chrome DevTools Protocol. */
function ask(socket: WebSocket, id: number, method: string, params: object = {}): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  socket.on('message', (data) => {
    const answer = JSON.parse(String(data)) as { id?: number; error?: { message: string }; result?: unknown };
    if (answer.id !== id) return;
    if (answer.error) reject(new Error(`${method}: ${answer.error.message}`));
    else resolve(answer.result);
  });
  socket.once('close', () => reject(new Error(`${method}: the process is gone`)));
  socket.send(JSON.stringify({ id, method, params }));
  return promise;
}
