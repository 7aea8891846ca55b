import { runCommand } from '../tests/command.ts';
import { type Http, listen } from './http.ts';
import { createLog } from './log.ts';

let reason: string | null = null;
let http: Http;
beforeAll(async () => {
  const log = createLog('test', 'silent');
  http = await listen({ host: '127.0.0.1', port: 0, log, routes: {}, notReady: async () => reason });
});
afterAll(() => http?.close());

const look = (port = http.port) => runCommand('platform/healthcheck.ts', { HOST: '0.0.0.0', PORT: String(port) });

test('a service that wants requests is healthy', async () => {
  reason = null;

  expect(await look()).toEqual({ code: 0, stdout: 'Ready.\n', stderr: '' });
});

test('one that wants none is not, and why is told', async () => {
  reason = 'the database cannot be reached';

  expect(await look()).toEqual({ code: 1, stdout: 'Not ready: the database cannot be reached.\n', stderr: '' });
});

test('nor is one that is not there', async () => {
  const stdout = 'Nothing answers on port 1: connect ECONNREFUSED 127.0.0.1:1.\n';

  expect(await look(1)).toEqual({ code: 1, stdout, stderr: '' });
});
