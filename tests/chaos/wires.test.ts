/** What the suite does to the network is what it says: otherwise a run without violations would say nothing. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { layWire, type Wire } from './wires.ts';

/** Says back what it hears, with its own name before. */
async function listenAs(name: string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => socket.write(`${name} ${data}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port }; // a TCP server has one
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer] = await once(socket, 'data');
  return String(answer);
}

let one: Awaited<ReturnType<typeof listenAs>>;
let two: Awaited<ReturnType<typeof listenAs>>;
let wire: Wire;
const dialled: Socket[] = [];
const dialWire = async () => {
  const socket = await dial(wire.port);
  dialled.push(socket);
  return socket;
};

beforeEach(async () => {
  [one, two] = await Promise.all([listenAs('one'), listenAs('two')]);
  wire = await layWire('a test', [one.port, two.port]);
});
afterEach(async () => {
  for (const socket of dialled.splice(0)) socket.destroy();
  await wire.close();
  for (const { server } of [one, two]) server.close();
});

test('connections are spread over the targets, and a dead target gives way to the other', async () => {
  const answers = [await ask(await dialWire(), 'a'), await ask(await dialWire(), 'a')];
  one.server.close();
  const later = [await ask(await dialWire(), 'b'), await ask(await dialWire(), 'b')];

  expect(answers.sort()).toEqual(['one a', 'two a']);
  expect(later).toEqual(['two b', 'two b']);
});

test('a cut wire resets the connections there are, and new ones', async () => {
  const there = await dialWire();
  await ask(there, 'a');
  const reset = once(there, 'error');

  wire.trouble({ kind: 'cut' });

  expect((await reset)[0]).toMatchObject({ code: 'ECONNRESET' });
  const fresh = connect({ port: wire.port, host: '127.0.0.1' });
  expect((await once(fresh, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' });
});

test('a silent wire holds every byte back and loses none', async () => {
  const socket = await dialWire();
  await ask(socket, 'a');
  let heard = '';
  socket.on('data', (data) => (heard += data));

  wire.trouble({ kind: 'silent' });
  socket.write('b');
  const other = await dialWire(); // it is accepted all the same
  const answer = ask(other, 'c');
  const first = await Promise.race([answer, once(socket, 'data'), new Promise((still) => setTimeout(still, 100))]);
  wire.mend();

  expect(first).toBeUndefined();
  expect(await answer).toMatch(/ c$/);
  if (!heard) await once(socket, 'data');
  expect(heard).toMatch(/ b$/);
});

test('a slow wire takes its time each way', async () => {
  const socket = await dialWire();
  await ask(socket, 'a');

  wire.trouble({ kind: 'slow', latencyMs: 60 });
  const askedAt = performance.now();
  await ask(socket, 'b');

  expect(performance.now() - askedAt).toBeGreaterThan(110);
});
