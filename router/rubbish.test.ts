/** Rubbish on the wire, past every client library: it is refused in words, nothing of the inside shows, and the router lives on. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { clientOf } from '../tests/client.ts';
import { type Fixture, startFixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.stop());
afterEach(async () => {
  expect((await clientOf(fixture.url).data('{ book7 { id } }')).book7).toEqual({ id: '7' }); // it lives on
});

const QUIET_MS = 1000;

/** What comes back for these bytes, until the router ends it or has been quiet for a while. */
async function say(...parts: (string | Buffer)[]): Promise<string> {
  const socket: Socket = connect(Number(new URL(fixture.url).port), '127.0.0.1');
  let heard = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    heard += chunk;
  });
  socket.on('error', () => {}); // cut off, as it may be
  await once(socket, 'connect');
  for (const part of parts) socket.write(part);
  socket.setTimeout(QUIET_MS, () => socket.destroy());
  await new Promise((resolve) => socket.once('close', resolve));
  return heard;
}

const head = (line: string, headers: string[] = []) => `${[line, 'host: x', ...headers].join('\r\n')}\r\n\r\n`;
const posted = (body: string | Buffer, headers: string[] = []) => {
  const type = headers.some((header) => header.startsWith('content-type')) ? [] : ['content-type: application/json'];
  const length = `content-length: ${Buffer.byteLength(body)}`;
  return [head('POST /graphql HTTP/1.1', [...type, length, 'connection: close', ...headers]), body] as const;
};

const statusOf = (heard: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(heard)?.[1]);

const GOOD = '{"query":"{ book7 { id } }"}';
const LONG = 'x'.repeat(100_000);

/** Bytes, and what the answer's status is. 0: the connection is cut without a word. */
const RUBBISH: [string, () => readonly (string | Buffer)[], number | number[]][] = [
  ['half a JSON text', () => posted('{"query": "{ book7'), 400],
  ['a number', () => posted('7'), 400],
  ['null', () => posted('null'), 400],
  ['a text', () => posted('"{ book7 { id } }"'), 400],
  ['nothing', () => posted(''), 400],
  ['an empty list', () => posted('[]'), 400],
  ['a query that is a number', () => posted('{"query": 7}'), 400],
  ['a query that is a list', () => posted('{"query": ["{ me }"]}'), 400],
  ['variables that are a text', () => posted('{"query": "{ me }", "variables": "{}"}'), 400],
  ['variables that are a list', () => posted('{"query": "{ me }", "variables": []}'), 400],
  ['an operation name that is an object', () => posted('{"query": "{ me }", "operationName": {}}'), 400],
  ['extensions that are a number', () => posted('{"query": "{ me }", "extensions": 1}'), 400],
  ['a prototype', () => posted('{"__proto__": {"query": "{ me }"}, "constructor": {"prototype": {"x": 1}}}'), 400],
  ['a key twice, the last of which counts', () => posted('{"query": "{ nothing }", "query": "{ book7 { id } }"}'), 200],
  ['JSON that is 30,000 lists deep', () => posted('['.repeat(30_000)), 400],
  ['bytes that are no UTF-8', () => posted(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])), 400],
  ['half a surrogate pair', () => posted('{"query": "{ book(id: \\"\\ud800\\") { id } }"}'), [200, 400]],
  ['NUL in a text', () => posted('{"query": "{ book(id: \\"\\\\u0000\\") { id } }"}'), [200, 400]],
  ['a compressed body', () => posted(gzipSync(GOOD), ['content-encoding: gzip']), 415],
  [
    'a body that is a bomb when inflated',
    () => posted(gzipSync(Buffer.alloc(20_000_000)), ['content-encoding: gzip']),
    415,
  ],
  [
    'another character set',
    () => posted(Buffer.from(GOOD, 'utf16le'), ['content-type: application/json; charset=utf-16le']),
    400,
  ],
  [
    'chunks without end',
    () => [
      head('POST /graphql HTTP/1.1', ['content-type: application/json', 'transfer-encoding: chunked']),
      ...Array<string>(80).fill(`400\r\n${'x'.repeat(1024)}\r\n`),
    ],
    413,
  ],
  [
    'a length and chunks together',
    () => [head('POST /graphql HTTP/1.1', ['content-length: 5', 'transfer-encoding: chunked']), '0\r\n\r\n'],
    400,
  ],
  ['two lengths', () => [head('POST /graphql HTTP/1.1', ['content-length: 5', 'content-length: 6']), '{}'], 400],
  ['a length that is none', () => [head('POST /graphql HTTP/1.1', ['content-length: -1'])], 400],
  ['100 kB of headers', () => [head('GET /graphql HTTP/1.1', [`x: ${LONG}`])], 431],
  ['100 kB of address', () => [head(`GET /graphql?query=${LONG} HTTP/1.1`)], 431],
  ['no request at all', () => ['\0\x01\x02 hello\r\n\r\n'], 400],
  ['TLS on a plain port', () => [Buffer.from('16030100a5010000a10303', 'hex')], [400, 0]],
  ['an unknown method', () => [head('BREW /graphql HTTP/1.1')], [400, 405]],
  ['PUT', () => [head('PUT /graphql HTTP/1.1', ['connection: close'])], [400, 405]],
  ['DELETE', () => [head('DELETE /graphql HTTP/1.1', ['connection: close'])], [400, 405]],
  ['TRACE', () => [head('TRACE /graphql HTTP/1.1', ['connection: close', 'authorization: Bearer x'])], [400, 405]],
  ['CONNECT', () => [head('CONNECT internal:5432 HTTP/1.1')], [0, 400, 404, 405]],
  [
    'an address with a host of its own',
    () => [head('GET http://internal:4004/metrics HTTP/1.1', ['connection: close'])],
    404,
  ],
  ['a path with two slashes', () => [head('GET //graphql HTTP/1.1', ['connection: close'])], 404],
  ['a path that climbs', () => [head('GET /graphiql/../../package.json HTTP/1.1', ['connection: close'])], 404],
  [
    'a path that climbs, encoded',
    () => [head('GET /graphiql/%2e%2e/%2e%2e/package.json HTTP/1.1', ['connection: close'])],
    404,
  ],
  ['a path of a subgraph', () => [head('GET /metrics HTTP/1.1', ['connection: close'])], 404],
  [
    'a broken escape in the address',
    () => [head('GET /graphql?query=%ZZ&variables=% HTTP/1.1', ['connection: close', 'apollo-require-preflight: 1'])],
    400,
  ],
  [
    'an address that is none',
    () => [
      head('GET /graphql?query={me}&variables={"a":[} HTTP/1.1', ['connection: close', 'apollo-require-preflight: 1']),
    ],
    400,
  ],
  ['a socket without a key', () => [head('GET /graphql HTTP/1.1', ['connection: upgrade', 'upgrade: websocket'])], 400],
  [
    'a socket of another version',
    () => [
      head('GET /graphql HTTP/1.1', [
        'connection: upgrade',
        'upgrade: websocket',
        'sec-websocket-version: 1',
        'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      ]),
    ],
    400,
  ],
  ['an upgrade to something else', () => [head('GET /graphql HTTP/1.1', ['connection: upgrade', 'upgrade: h2c'])], 400],
];

test.each(RUBBISH)('%s', async (_, bytes, expected) => {
  const heard = await say(...bytes());

  expect([expected].flat()).toContain(heard ? statusOf(heard) : 0);
  expect(heard).not.toMatch(/node_modules|\.ts:\d|\n\s+at /);
});

test('two requests in one go are both answered, in their order', async () => {
  const [first, body] = [
    head('POST /graphql HTTP/1.1', ['content-type: application/json', `content-length: ${GOOD.length}`]),
    GOOD,
  ];
  const [last, lastBody] = posted('{"query": "{ book7 { title } }"}');
  const heard = await say(first + body + last + lastBody);
  expect(heard.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  expect(heard.indexOf('"id":"7"')).toBeLessThan(heard.indexOf('Title 7'));
});

describe('on a socket', () => {
  const UPGRADE = head('GET /graphql HTTP/1.1', [
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-protocol: graphql-transport-ws',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  ]);
  const frame = (first: number, payload: string): Buffer => {
    const bytes = Buffer.from(payload);
    return Buffer.concat([Buffer.from([first, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]); // a mask of zeros
  };

  test.each([
    ['a frame without a mask', Buffer.from([0x81, 2, 0x7b, 0x7d])],
    ['an opcode that there is not', frame(0x83, '{}')],
    ['reserved bits', frame(0xf1, '{}')],
    ['a length of 2^60', Buffer.from([0x81, 0xff, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['a continuation of nothing', frame(0x80, '{}')],
    ['no JSON', frame(0x81, 'hello')],
    ['bytes in place of a text', frame(0x82, '\0\x01\x02')],
    ['a message that the protocol has not', frame(0x81, '{"type":"drop"}')],
  ])('%s closes it', async (_, bytes) => {
    const heard = await say(UPGRADE, bytes);
    expect(statusOf(heard)).toBe(101);
    expect(heard.charCodeAt(heard.indexOf('\r\n\r\n') + 4)).toBe(0x88); // a close frame
  });
});
