import { bareEnvironment, ConfigError, readConfig } from './config.ts';

const mistakesOf = (...args: Parameters<typeof readConfig>): string => {
  try {
    readConfig(...args);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message; // just checked
  }
};

test('settings are typed, and have defaults that suit one machine', () => {
  expect(readConfig(['PORT', 'HOST', 'LOAN_DAYS'], { PORT: '4711' })).toEqual({
    PORT: 4711,
    HOST: '127.0.0.1',
    LOAN_DAYS: 14,
  });
});

test('all mistakes are told in one message, each with what the setting is for', () => {
  const message = mistakesOf(['DATABASE_URL', 'ROUTER_KEY', 'PORT', 'CURRENCY', 'HOST'], {
    ROUTER_KEY: 'too short',
    PORT: 'http',
    CURRENCY: 'won',
  });

  expect(message).toContain("DATABASE_URL is not set (postgresql:// URL of the service's own database");
  expect(message).toContain('ROUTER_KEY must have at least 32 characters');
  expect(message).toMatch(/PORT .*number.* \(TCP port to listen on/);
  expect(message).toContain("CURRENCY must be an ISO 4217 code (the shop's one currency)");
  expect(message).not.toContain('HOST');
});

test('a message does not show the values, which may be secret', () => {
  expect(mistakesOf(['ROUTER_KEY', 'DATABASE_URL'], { ROUTER_KEY: 'hunter2', DATABASE_URL: 'hunter3' })).not.toContain(
    'hunter',
  );
});

test('an empty variable counts as one that is not set', () => {
  expect(readConfig(['PORT'], { PORT: '' })).toEqual({ PORT: 4000 });
  expect(mistakesOf(['STRIPE_SECRET_KEY'], { STRIPE_SECRET_KEY: '' })).toContain('STRIPE_SECRET_KEY is not set');
});

test('a secret has no default', () => {
  const secrets = ['ROUTER_KEY', 'TOKEN_KEYS', 'STRIPE_SECRET_KEY', 'CARRIER_KEY', 'CARRIER_WEBHOOK_SECRET'] as const;
  const message = mistakesOf(secrets, {});
  for (const secret of secrets) expect(message).toContain(`${secret} is not set`);
});

test('trusted proxies are addresses and blocks, and nobody unless they are given', () => {
  const proxies = (TRUSTED_PROXIES?: string) => readConfig(['TRUSTED_PROXIES'], { TRUSTED_PROXIES });
  expect(proxies()).toEqual({ TRUSTED_PROXIES: [] });
  expect(proxies('10.0.0.0/8, ::1')).toEqual({ TRUSTED_PROXIES: ['10.0.0.0/8', '::1'] });
  for (const wrong of ['the proxy', '10.0.0.0/33', '0.0.0.0/0'])
    expect(mistakesOf(['TRUSTED_PROXIES'], { TRUSTED_PROXIES: wrong })).toContain('TRUSTED_PROXIES must be addresses');
});

test('keys to sign with are needed unless an outside provider signs, whose audience then is', () => {
  const names = ['OIDC_ISSUER', 'OIDC_AUDIENCE', 'TOKEN_KEYS'] as const;
  const provider = { OIDC_ISSUER: 'https://id.example', OIDC_AUDIENCE: 'https://shop.example' };

  expect(mistakesOf(names, {})).toMatch(/TOKEN_KEYS is not set/);
  expect(readConfig(names, provider)).toEqual(provider);
  const mistakes = mistakesOf([...names, 'ROUTER_KEY'], { OIDC_ISSUER: provider.OIDC_ISSUER });
  expect(mistakes).toMatch(/ROUTER_KEY is not set .* OIDC_AUDIENCE is not set/);
  expect(mistakes).not.toContain('TOKEN_KEYS');
});

test("Stripe's webhook may be left out, but where the sandbox bank calls one it has to sign", () => {
  const names = ['STRIPE_WEBHOOK_SECRET', 'SANDBOX_STRIPE_WEBHOOK_URL'] as const;

  expect(readConfig(names, {})).toEqual({});
  expect(mistakesOf(names, { SANDBOX_STRIPE_WEBHOOK_URL: 'http://127.0.0.1:4000/webhooks/stripe' })).toContain(
    'STRIPE_WEBHOOK_SECRET is not set',
  );
  expect(mistakesOf(names, { STRIPE_WEBHOOK_SECRET: 'short' })).toContain('STRIPE_WEBHOOK_SECRET must have');
});

test('a way to tell customers has both of its settings or neither', () => {
  const mail = { SMTP_URL: 'smtps://shop:secret@mail.example', SMTP_FROM: 'A Shop <shop@example.com>' };
  const webhook = { NOTIFY_WEBHOOK_URL: 'https://shop.example/told', NOTIFY_WEBHOOK_SECRET: 'x'.repeat(32) };
  const names = ['SMTP_URL', 'SMTP_FROM', 'NOTIFY_WEBHOOK_URL', 'NOTIFY_WEBHOOK_SECRET'] as const;

  expect(readConfig(names, {})).toEqual({});
  expect(readConfig(names, { ...mail, ...webhook })).toEqual({ ...mail, ...webhook });
  for (const name of names) {
    const others = { ...mail, ...webhook, [name]: undefined };
    expect(mistakesOf(names, others)).toMatch(new RegExp(`: ${name} is not set [^.]*\\.$`));
  }
});

test.each([
  'shop',
  'A Shop <shop@example.com',
  'shop@example.com>',
  'a@example.com, b@example.com',
  'A Shop <a@example.com>\r\nBcc: b@example.com',
  'A\nShop <a@example.com>',
])('nobody sends mail as %j', (SMTP_FROM) => {
  expect(mistakesOf(['SMTP_FROM'], { SMTP_FROM, SMTP_URL: 'smtp://mail.example' })).toContain('SMTP_FROM must be');
});

test('claims give roles by a table, and a wrong entry is named', () => {
  const roles = (OIDC_ROLES?: string) => readConfig(['OIDC_ROLES'], { OIDC_ROLES }).OIDC_ROLES;
  const wrong = (OIDC_ROLES: string) => mistakesOf(['OIDC_ROLES'], { OIDC_ROLES });

  expect(roles()).toEqual([]);
  expect(roles('groups=librarians:STAFF, realm_access.roles=the boss:ADMIN,https://a.example/r=x:y:COURIER')).toEqual([
    { claim: 'groups', value: 'librarians', role: 'STAFF' },
    { claim: 'realm_access.roles', value: 'the boss', role: 'ADMIN' },
    { claim: 'https://a.example/r', value: 'x:y', role: 'COURIER' },
  ]);
  expect(wrong('groups=librarians:STAFF,groups=kings:KING')).toContain('OIDC_ROLES has the entry "groups=kings:KING"');
  expect(wrong('STAFF')).toContain('has the entry "STAFF"');
  expect(wrong('groups=:STAFF')).toContain('has the entry "groups=:STAFF"');
});

test('only the settings that were asked for are read', () => {
  expect(Object.keys(readConfig(['PORT'], { PORT: '1', ROUTER_KEY: 'wrong' }))).toEqual(['PORT']);
});

test.each([
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['PORT', '40.5'],
  ['CARRIER_POLL_MS', '99'],
  ['LOAN_DAYS', '0'],
  ['NATS_REPLICAS', '6'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['GRAPHIQL', 'yes'],
  ['STRIPE_PUBLISHABLE_KEY', 'sk_live_1'],
  ['BOOK_URL', 'localhost/graphql'],
  ['SMTP_URL', 'https://mail.example'],
  ['NOTIFY_WEBHOOK_URL', 'https://user:secret@shop.example/told'],
] as const)('%s refuses %s', (name, value) => {
  expect(mistakesOf([name], { [name]: value })).toContain(name);
});

test("another program gets what it is given, and nothing else of this one's environment", () => {
  process.env.ROUTER_KEY_OF_THIS_TEST = 'secret';
  process.env.OTEL_OF_THIS_TEST = 'of every program that is traced';
  try {
    const environment = bareEnvironment({ PORT: '1' });
    expect(environment).toMatchObject({ PORT: '1', PATH: process.env.PATH });
    expect(environment).toMatchObject({ OTEL_OF_THIS_TEST: 'of every program that is traced' });
    expect(environment).not.toHaveProperty('ROUTER_KEY_OF_THIS_TEST');
  } finally {
    delete process.env.ROUTER_KEY_OF_THIS_TEST;
    delete process.env.OTEL_OF_THIS_TEST;
  }
});
