import { createLog } from './log.ts';

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
