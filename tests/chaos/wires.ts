/**
 * The network between the processes: every connection goes through a wire, which can be whole, cut, silent or slow. A wire
 * with several targets spreads its connections over them; one that is dead gives way to the next.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Cut: connections are reset, new ones too. Silent: accepted, and every byte held back. Slow: each chunk waits. */
export type Trouble = { kind: 'cut' } | { kind: 'silent' } | { kind: 'slow'; latencyMs: number };

export interface Wire {
  /** Whom it connects, as `rental to bank`. */
  name: string;
  port: number;
  trouble(trouble: Trouble): void;
  /** Whole again; what was held back goes on its way. */
  mend(): void;
  close(): Promise<void>;
}

/** @param targets TCP ports on this machine */
export async function layWire(name: string, targets: readonly number[]): Promise<Wire> {
  const sockets = new Set<Socket>();
  let trouble: Trouble | null = null;
  let mended = Promise.withResolvers<void>();
  let turn = 0;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    watch(near);
    if (trouble?.kind === 'cut') near.resetAndDestroy();
    else void join(near);
  });

  function watch(socket: Socket): void {
    sockets.add(socket);
    socket.on('error', () => {}); // its reader learns of it
    socket.once('close', () => sockets.delete(socket));
  }

  async function join(near: Socket): Promise<void> {
    await passage();
    const far = await reach();
    if (!far || near.destroyed) {
      near.resetAndDestroy();
      far?.destroy();
      return;
    }
    void carry(near, far);
    void carry(far, near);
  }

  /** The first target that takes a connection, beginning with another one each time. */
  async function reach(): Promise<Socket | null> {
    turn += 1;
    for (let tried = 0; tried < targets.length; tried++) {
      const port = targets[(turn + tried) % targets.length] ?? 0;
      const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      watch(far);
      const reached = await once(far, 'connect').then(
        () => true,
        () => false,
      );
      if (reached) return far;
    }
    return null;
  }

  async function carry(from: Socket, to: Socket): Promise<void> {
    to.once('close', () => from.destroySoon());
    try {
      for await (const chunk of from) {
        if (trouble) await passage();
        if (!to.write(chunk)) await Promise.race([once(to, 'drain'), once(to, 'close')]);
      }
      to.end();
    } catch {
      to.resetAndDestroy();
    }
  }

  async function passage(): Promise<void> {
    while (trouble?.kind === 'silent') await mended.promise;
    if (trouble?.kind === 'slow') await sleep(trouble.latencyMs);
  }

  function mend(): void {
    trouble = null;
    mended.resolve();
    mended = Promise.withResolvers();
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has one

  return {
    name,
    port,
    trouble(next) {
      mend();
      trouble = next;
      if (next.kind === 'cut') for (const socket of sockets) socket.resetAndDestroy();
    },
    mend,
    async close() {
      mend();
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
