import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepSecrets } from './secrets.ts';
import { type Environment, notifyingIn, owners, services, tuningIn, wiringOf } from './services.ts';

const folder = mkdtempSync(join(tmpdir(), 'rentabook-secrets-'));
const file = join(folder, 'secrets.json');
afterAll(() => rmSync(folder, { recursive: true }));

const notifying: Environment = {
  SMTP_URL: 'smtps://shop:secret@mail.example',
  SMTP_FROM: 'shop@example.com',
  NOTIFY_WEBHOOK_URL: 'https://shop.example/told',
  NOTIFY_WEBHOOK_SECRET: 'x'.repeat(32),
};

async function wiring() {
  const ports = { book: 1, rental: 2, delivery: 3, customer: 4, sandbox: 5, router: 6 };
  const databaseUrls = { book: 'b', rental: 'r', delivery: 'd', customer: 'c', sandbox: 's' };
  return wiringOf({
    ports,
    host: '127.0.0.1',
    routerUrl: 'http://127.0.0.1:6',
    databaseUrls,
    natsUrl: 'n',
    secrets: await keepSecrets(file),
    notifying,
  });
}

test('a secret is known to those alone who need it', async () => {
  const environments = await wiring();
  const knowing = (name: keyof Environment) => services.filter((service) => environments[service][name]);

  expect(knowing('TOKEN_KEYS')).toEqual(['customer']);
  expect(knowing('STRIPE_SECRET_KEY')).toEqual(['rental', 'sandbox']);
  expect(knowing('CARRIER_KEY')).toEqual(['delivery', 'sandbox']);
  expect(knowing('CARRIER_WEBHOOK_SECRET')).toEqual(['delivery', 'sandbox']);
  expect(knowing('SMTP_URL')).toEqual(['customer']);
  expect(knowing('NOTIFY_WEBHOOK_SECRET')).toEqual(['customer']);
  expect(knowing('ROUTER_KEY')).toEqual(['book', 'rental', 'delivery', 'customer', 'router']);
  expect(new Set(owners.map((owner) => environments[owner].DATABASE_URL)).size).toBe(owners.length);
});

test('secrets are made once and readable by their owner alone', async () => {
  const first = await keepSecrets(file);

  expect(await keepSecrets(file)).toEqual(first);
  expect(statSync(file).mode & 0o077).toBe(0);
});

test('the user may tune the services, but not replace how they find and trust one another', () => {
  const given: Environment = {
    SANDBOX_CARRIER_STEP_MS: '100',
    LOG_LEVEL: 'debug',
    CURRENCY: 'EUR',
    RENTABOOK_DEMO: 'off',
    PORT: '5000',
    DATABASE_URL: 'postgresql://admin@elsewhere/postgres',
    ROUTER_KEY: 'leaked',
    NATS_SERVER: '/bin/nats-server',
    RENTABOOK_DATA: '/data',
    ...notifying,
  };

  expect(Object.keys(tuningIn(given))).toEqual(['SANDBOX_CARRIER_STEP_MS', 'LOG_LEVEL', 'CURRENCY', 'RENTABOOK_DEMO']);
  expect(notifyingIn(given)).toEqual(notifying);
});
