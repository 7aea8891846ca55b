/** Where a request comes from: what clients write, against what proxies have added. */
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type ClientOf, trusting } from './client.ts';
import { startFixture } from './fixture.ts';

const askedFrom = (clientOf: ClientOf, remoteAddress: string | undefined, forwarded?: string): string =>
  clientOf({
    headers: { ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }) },
    socket: { remoteAddress },
  } as Parameters<ClientOf>[0]); // all that it reads of them

test('whoever connects is the client, whatever the header says, while no proxy is trusted', () => {
  expect(askedFrom(trusting([]), '203.0.113.7')).toBe('203.0.113.7');
  expect(askedFrom(trusting([]), '203.0.113.7', '198.51.100.1')).toBe('203.0.113.7');
  expect(askedFrom(trusting(['10.0.0.0/8']), '203.0.113.7', '198.51.100.1')).toBe('203.0.113.7');
  expect(askedFrom(trusting([]), undefined)).toBe('');
});

test.each([
  ['a trusted proxy says who asked it', '198.51.100.1', '198.51.100.1'],
  ['so do two of them', '198.51.100.1, 10.1.0.2', '198.51.100.1'],
  ['what the client made up stands before its address', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
  ['so does what it says of trusted proxies', '10.9.9.9, 198.51.100.1, 10.1.0.2', '198.51.100.1'],
  ['without the header it is the proxy itself', undefined, '10.1.0.1'],
  ['what is no address is passed over', '<script>, 10.1.0.2', '10.1.0.2'],
  ['IPv6 is as good', '2001:db8::1', '2001:db8::1'],
])('behind proxies %s', (_, forwarded, expected) => {
  expect(askedFrom(trusting(['10.0.0.0/8']), '10.1.0.1', forwarded)).toBe(expected);
});

test('an IPv4 address is the same on a socket that takes IPv6 too', () => {
  expect(askedFrom(trusting(['10.0.0.0/8']), '::ffff:10.1.0.1', '198.51.100.1')).toBe('198.51.100.1');
  expect(askedFrom(trusting([]), '::ffff:203.0.113.7')).toBe('203.0.113.7');
});

test('subgraphs learn the address by a query, an event stream and a socket alike, and a client cannot give it itself', async () => {
  const fixture = await startFixture({ trustedProxies: ['127.0.0.0/8'] });
  const query = '{ book7 { client } }';
  const headers = {
    'content-type': 'application/json',
    'x-forwarded-for': '198.51.100.1',
    'rentabook-client': '198.51.100.2',
  };
  const post = async (accept: string) => {
    const body = JSON.stringify({ query });
    const answer = await fetch(`${fixture.url}/graphql`, { method: 'POST', headers: { ...headers, accept }, body });
    return answer.text();
  };
  const socket = createClient({
    url: `${fixture.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: class extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, { headers });
      }
    },
  });

  try {
    const answers = [await post('application/json'), await post('text/event-stream')];
    for await (const result of socket.iterate({ query })) answers.push(JSON.stringify(result));

    expect(answers).toHaveLength(3);
    for (const answer of answers) expect(answer).toContain('"data":{"book7":{"client":"198.51.100.1"}}');
  } finally {
    await socket.dispose();
    await fixture.stop();
  }
});
