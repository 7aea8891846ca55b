import { createLog } from './log.ts';
import { about, cause } from './trace.ts';

function linesOf(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog('test', 'info', { write: (line) => void lines.push(line) }));
  return lines.join('');
}

test('a database error is logged without the values it is about', () => {
  const error = Object.assign(
    new Error(
      'duplicate key value violates unique constraint "customer_email_key_key"\n - detail: Key (email_key)=(reader@demo.test) already exists.',
    ),
    {
      code: '23505',
      constraint: 'customer_email_key_key',
      detail: 'Key (email_key)=(reader@demo.test) already exists.',
    },
  );

  const lines = linesOf((log) => log.error({ err: error, errorId: 'one' }, 'a field could not be resolved'));

  expect(JSON.parse(lines)).toMatchObject({
    level: 'error',
    service: 'test',
    errorId: 'one',
    err: { code: '23505', constraint: 'customer_email_key_key' },
  });
  expect(lines).not.toContain('reader@demo.test');
});

test('tokens and passwords are struck out', () => {
  const lines = linesOf((log) =>
    log.info({ headers: { authorization: 'Bearer secret' }, input: { password: 'secret' } }, 'a request'),
  );
  expect(lines).not.toContain('secret');
});

test('a line says what has led to it, and which rental it is about once that is known', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const traceId = '0af7651916cd43dd8448eb211c80319c';

  const lines = linesOf((log) => {
    log.info('of nobody');
    cause.run({ traceparent, eventId: 'rental-1:2' }, () => {
      log.info('of an event');
      about('1');
      log.info('of a rental');
      log.info({ rentalId: '2' }, 'of another');
    });
  });

  const [nobody, ...led] = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(nobody).not.toHaveProperty('traceId');
  expect(led).toMatchObject([
    { traceId, eventId: 'rental-1:2' },
    { traceId, rentalId: '1' },
    { traceId, rentalId: '2' },
  ]);
});
