import { createHash } from 'node:crypto';
import { createVerifier, type SignedRequest, sign } from './signature.ts';

const KEY = 'a key that router and subgraphs share';
const NOW = Date.UTC(2026, 0, 1);
const SECOND_MS = 1000;
const request: SignedRequest = {
  method: 'POST',
  path: '/graphql',
  client: '192.0.2.1',
  body: '{"query":"{ me { id } }"}',
};

const verify = (header: string | undefined, seen: SignedRequest = request, now = NOW) =>
  createVerifier(KEY).whyRefused(header, seen, now);

test('a request is genuine as it was signed, for half a minute, by a clock that is as far ahead or behind', () => {
  const header = sign(KEY, request, NOW);

  expect(verify(header)).toBeNull();
  expect(verify(header, request, NOW + 30 * SECOND_MS)).toBeNull();
  expect(verify(header, request, NOW - 30 * SECOND_MS)).toBeNull();
  expect(verify(header, { ...request, body: Buffer.from(request.body) })).toBeNull();
});

test.each([
  ['the body', { ...request, body: '{"query":"{ me { email } }"}' }],
  ['the path', { ...request, path: '/graphql?as=admin' }],
  ['the method', { ...request, method: 'GET' }],
  ['the address of the client', { ...request, client: '192.0.2.2' }],
])('a request is refused when %s was altered', (_, altered) => {
  expect(verify(sign(KEY, request, NOW), altered)).toBe('the signature does not match');
});

test.each([
  ['the time', /t=\d+/, `t=${NOW + 1}`],
  ['the nonce', /n=[^,]+/, 'n=another'],
  ["the body's hash", /b=[^,]+/, `b=${createHash('sha256').update('another').digest('hex')}`],
  ['the signature', /v=.+/, 'v=short'],
])('a header is refused when %s in it was altered', (_, part, altered) => {
  expect(verify(sign(KEY, request, NOW).replace(part, altered))).toBe('the signature does not match');
});

test('a signature by another key is refused', () => {
  expect(verify(sign('another key', request, NOW))).toBe('the signature does not match');
});

test.each([
  undefined,
  '',
  'Bearer abc',
  't=,n=a,b=c,v=d',
  't=soon,n=a,b=c,v=d',
  `t=${NOW},n=,b=c,v=d`,
  `t=${NOW},n=a,b=,v=d`,
  `t=${NOW},n=a,b=c,v=`,
])('the header %p is no signature', (header) => {
  expect(verify(header)).toBe('the request is not signed');
});

test('an old request is refused, and one from too far ahead', () => {
  const header = sign(KEY, request, NOW);

  expect(verify(header, request, NOW + 31 * SECOND_MS)).toBe('the signature is too old');
  expect(verify(header, request, NOW - 31 * SECOND_MS)).toBe('the signature is too old');
});

test('a repeated request is refused for as long as its signature would be good; the next one is not', () => {
  const { whyRefused } = createVerifier(KEY);
  const header = sign(KEY, request, NOW + 30 * SECOND_MS); // the router's clock is ahead

  expect(whyRefused(header, request, NOW)).toBeNull();
  expect(whyRefused(header, request, NOW)).toBe('the request is a repetition');
  expect(whyRefused(header, request, NOW + 60 * SECOND_MS)).toBe('the request is a repetition');
  expect(whyRefused(sign(KEY, request, NOW), request, NOW)).toBeNull();
});

test('a forged request does not use up the nonce of a genuine one', () => {
  const { whyRefused } = createVerifier(KEY);
  const header = sign(KEY, request, NOW);

  whyRefused(header, { ...request, body: 'forged' }, NOW);

  expect(whyRefused(header, request, NOW)).toBeNull();
});

test('a head is judged before its body comes, which must then be the one that was signed', () => {
  const { whyHeadRefused, whyRefused } = createVerifier(KEY);
  const { body, ...head } = request;
  const header = sign(KEY, request, NOW);

  expect(whyHeadRefused(undefined, head, NOW)).toBe('the request is not signed');
  expect(whyHeadRefused(sign('another key', request, NOW), head, NOW)).toBe('the signature does not match');
  expect(whyHeadRefused(header, { ...head, path: '/metrics' }, NOW)).toBe('the signature does not match');
  expect(whyHeadRefused(header, head, NOW + 31 * SECOND_MS)).toBe('the signature is too old');
  expect(whyHeadRefused(header, head, NOW)).toBeNull();
  expect(whyRefused(header, { ...head, body: `${body} ` }, NOW)).toBe('the signature does not match');
  expect(whyRefused(header, request, NOW)).toBeNull();
  expect(whyHeadRefused(header, head, NOW)).toBe('the request is a repetition');
});
