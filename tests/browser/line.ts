/** The line between a browser and the router, which can be cut as in a tunnel: nobody is told, bytes just do not arrive. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Line {
  /** What a browser asks instead of the router. */
  url: string;
  cut(): void;
  /** What was held up is lost; new connections go through. */
  mend(): void;
  close(): Promise<void>;
}

export async function openLine(routerUrl: string): Promise<Line> {
  const { hostname, port } = new URL(routerUrl);
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => {}); // it is closed then
      socket.once('close', () => {
        open.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (bytes) => void (isCut || far.write(bytes)));
    far.on('data', (bytes) => void (isCut || near.write(bytes)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const drop = () => {
    for (const socket of open) socket.destroy();
  };

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // a TCP server has one
    cut() {
      isCut = true;
    },
    mend() {
      drop();
      isCut = false;
    },
    async close() {
      drop();
      server.close();
      await once(server, 'close');
    },
  };
}
