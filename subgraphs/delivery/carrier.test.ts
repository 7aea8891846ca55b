import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CarrierUnavailable, httpCarrier, verifyCarrierWebhook } from './carrier.ts';

const SECRET = 'the secret between the courier and the shop';
const NOW = new Date('2026-03-01T12:00:00Z');
const MINUTE_MS = 60_000;

const scan = { id: 's-1', status: 'PICKED_UP', note: null, occurredAt: '2026-03-01T11:59:00.000Z' };
const body = JSON.stringify({ trackingNumber: 'SB1', scans: [scan] });

const signed = (text: string, time = NOW.getTime(), secret = SECRET) =>
  `t=${time},v=${createHmac('sha256', secret).update(`${time}.${text}`).digest('hex')}`;

const verify = (header: string | undefined, text = body) => verifyCarrierWebhook(SECRET, header, text, NOW);

test('a report with the carrier’s signature is taken, its times as dates', () => {
  expect(verify(signed(body))).toEqual({
    ok: true,
    report: { trackingNumber: 'SB1', scans: [{ ...scan, occurredAt: new Date(scan.occurredAt) }] },
  });
});

test.each([
  ['no signature', undefined, body, 'no carrier-signature'],
  ['a signature of another form', 'v1=abc', body, 'no carrier-signature'],
  ['a signature by another secret', signed(body, NOW.getTime(), 'another'), body, 'wrong'],
  ['a body that was changed', signed(body), body.replace('SB1', 'SB2'), 'wrong'],
  ['a time that was changed', signed(body).replace(/^t=\d+/, `t=${NOW.getTime() + 1}`), body, 'wrong'],
  ['a call recorded six minutes ago', signed(body, NOW.getTime() - 6 * MINUTE_MS), body, 'too far'],
  ['a call from six minutes ahead', signed(body, NOW.getTime() + 6 * MINUTE_MS), body, 'too far'],
  ['a body that is no JSON', signed('scans'), 'scans', 'no report'],
  [
    'a status that no parcel has',
    signed(body.replace('PICKED_UP', 'EATEN')),
    body.replace('PICKED_UP', 'EATEN'),
    'no report',
  ],
])('%s is refused, with the reason', (_, header, text, reason) => {
  expect(verify(header, text)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
});

describe('what a carrier answers', () => {
  /** What came of asking a carrier that answers so. */
  async function askedOf(answers: (response: ServerResponse) => void): Promise<unknown> {
    const server = createServer((_, response) => answers(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // a TCP server has one
    const CARRIER_URL = `http://127.0.0.1:${port}/`;
    try {
      const carrier = httpCarrier({ CARRIER_URL, CARRIER_KEY: 'the key', CARRIER_TIMEOUT_MS: 200 });
      return await carrier.track('SB1').catch((error: unknown) => error);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  const json = (status: number, body: unknown) => (response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

  test.each([
    ['a fault of its own', json(500, {})],
    ['that it is being mended', json(503, {})],
    ['that it has too much to do', json(429, {})],
    ['nothing, and the time is up', () => {}],
    ['half of something', (response: ServerResponse) => response.writeHead(200).end('{"trackingNumber":')],
    ['nothing, and hangs up', (response: ServerResponse) => response.destroy()],
    [
      'that it is somewhere else',
      (response: ServerResponse) => response.writeHead(302, { location: 'https://example.test/' }).end(),
    ],
  ])('%s: it is away, and is asked again', async (_, answers) => {
    expect(await askedOf(answers)).toBeInstanceOf(CarrierUnavailable);
  });

  test.each([
    ['no', json(404, { code: 'NOT_FOUND' }), '404 NOT_FOUND'],
    ['no, without saying why', json(400, 'no'), '400 no code'],
    ['something else', json(200, { scans: [] }), 'not understood'],
    [
      'a scan that it cannot mean',
      json(200, { trackingNumber: 'SB1', scans: [{ ...scan, status: 'EATEN' }] }),
      'not understood',
    ],
  ])('%s: a fault, which asking again would not mend', async (_, answers, message) => {
    const fault = await askedOf(answers);

    expect(fault).not.toBeInstanceOf(CarrierUnavailable);
    expect(fault).toMatchObject({ message: expect.stringContaining(message) });
  });
});
