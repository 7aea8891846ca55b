import { createHmac } from 'node:crypto';
import { verifyCarrierWebhook } from './carrier.ts';

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
