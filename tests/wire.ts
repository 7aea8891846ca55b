/** A TCP connection's way to a server, on which what is under way can be held up: what a bad network does, at a chosen moment. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Wire {
  /** The server's URL, by way of the wire. */
  url: string;
  /**
   * From the first piece on that contains `text`, nothing passes on that connection in that direction. Resolves when there is one,
   * with a function that lets that piece pass, and it alone.
   */
  hold(direction: 'toServer' | 'toClient', text: string): Promise<() => void>;
  close(): Promise<void>;
}

interface Trap {
  direction: 'toServer' | 'toClient';
  text: string;
  caught: PromiseWithResolvers<() => void>;
}

/** On a free port, unless one is named. */
export async function openWire(serverUrl: string, at = 0): Promise<Wire> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let trap: Trap | undefined;

  function carry(direction: Trap['direction'], from: Socket, to: Socket): void {
    let held = false;
    from.on('data', (piece) => {
      if (held) return;
      held = trap?.direction === direction && piece.includes(trap.text);
      if (!held) return void to.write(piece);
      trap?.caught.resolve(() => void to.write(piece));
      trap = undefined;
    });
    from.on('error', () => {}); // whoever is at the other end sees it close
    from.on('close', () => held || to.destroy());
  }

  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) sockets.add(socket.setNoDelay());
    carry('toServer', client, upstream);
    carry('toClient', upstream, client);
  });
  server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(serverUrl);
  url.port = String((server.address() as AddressInfo).port); // a TCP server has one

  return {
    url: url.href,
    hold(direction, text) {
      const caught = Promise.withResolvers<() => void>();
      trap = { direction, text, caught };
      return caught.promise;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
