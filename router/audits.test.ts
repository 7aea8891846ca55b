/** GraphQL over HTTP, as graphql-http's audits of the specification ask for it. https://graphql.github.io/graphql-over-http */
import { serverAudits } from 'graphql-http';
import { type Fixture, startFixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.stop());

const audits = serverAudits({ url: () => `${fixture.url}/graphql` });

const NO_PREFLIGHT = 'a page elsewhere could send it without asking: a GET needs a header that such a page cannot set';
const PLAIN_STATUS = 'what is refused is refused for whoever reads the status alone, a proxy or a probe';
/** What the specification allows or recommends and we do otherwise, each with the reason. */
const otherwise: Record<string, string> = {
  '5A70': NO_PREFLIGHT,
  D6D5: NO_PREFLIGHT,
  '6A70': NO_PREFLIGHT,
  '572B': PLAIN_STATUS,
  FDE2: PLAIN_STATUS,
  '7B9B': PLAIN_STATUS,
};

test('the audits were read', () => expect(audits.length).toBeGreaterThan(50));

test.each(audits.map(({ id, name, fn }) => ({ id, name, fn })))('$id $name', async ({ id, fn }) => {
  const { status } = await fn();
  expect(otherwise[id] ? ['notice', 'warn'] : ['ok']).toContain(status);
});
