/**
 * Every setting there is, and the only reader of the environment. A process names what it needs; what is missing or
 * wrong is told in one message, all of it at once. Defaults suit one machine; secrets have none.
 */
import proxyAddress from 'proxy-addr';
import { z } from 'zod';
import type { Role } from './tokens.ts';

const whole = (min: number, max: number) =>
  z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`);
const port = whole(0, 65_535);
const milliseconds = whole(0, 86_400_000);
const count = whole(1, 1_000_000);
const percent = whole(0, 10_000);
const urlOf = (protocol: RegExp, example: string) => z.url({ protocol, error: `must be a URL such as ${example}` });
const url = urlOf(/^https?$/, 'http://127.0.0.1:4001');
const postgresUrl = urlOf(/^postgres(ql)?$/, 'postgresql://user@host:5432/name');
const onOrOff = z.enum(['on', 'off'], 'must be on or off');
/** Parts between commas, spaces or ends of lines. */
export const partsOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);
const otlpProtocol = z.enum(['http/protobuf', 'http/json'], 'must be http/protobuf or http/json');
const list = z.string().transform(partsOf);
const origins = list.refine(
  (all) => all.every((origin) => URL.parse(origin)?.origin === origin),
  'must be origins such as https://shop.example',
);
/** `field=requests`, `*` being all that is not named. */
const rates = list
  .refine(
    (all) => all.every((rate) => /^(\*|\w+)=[1-9]\d{0,8}$/.test(rate)),
    'must be a list such as "*=6000, signIn=600"',
  )
  .transform((all) =>
    Object.fromEntries(all.map((rate) => rate.split('=')).map(([field = '', most]) => [field, Number(most)])),
  );
/** `claim=value:ROLE`, separated by commas. */
const rolesByClaim = z.string().transform((text, context) =>
  text.split(',').flatMap((entry) => {
    const [, claim, value, role] = /^\s*([^=\s]+)=(.+):(CUSTOMER|STAFF|COURIER|ADMIN)\s*$/.exec(entry) ?? [];
    if (claim && value && role) return [{ claim, value, role: role as Role }]; // by the expression
    const message = `has the entry "${entry.trim()}", which is not of the form groups=librarians:STAFF`;
    context.addIssue({ code: 'custom', message });
    return [];
  }),
);
const secret = z.string().min(32, 'must have at least 32 characters');
/** `shop@example.com` or `A Shop <shop@example.com>`, on one line. */
const sender = z
  .string()
  .regex(
    /^([^\p{Cc}<>@,;:"]*<)?[^\p{Cc}\s<>@,;:"]+@[^\p{Cc}\s<>@,;:"]+>?$/u,
    'must be such as "A Shop <shop@example.com>"',
  )
  .refine((text) => text.includes('<') === text.endsWith('>'), 'must be such as "A Shop <shop@example.com>"');
const urlWithoutPassword = url.refine(
  (text) => !URL.parse(text)?.username && !URL.parse(text)?.password,
  'must have no user and password in it',
);

function areNetworks(networks: string[]): boolean {
  try {
    proxyAddress.compile(networks);
    return true;
  } catch {
    return false;
  }
}

const settings = {
  PORT: port.default(4000).describe('TCP port to listen on; 0 takes a free one'),
  HOST: z.string().min(1).default('127.0.0.1').describe('address to listen on'),
  LINGER_MS: milliseconds
    .default(0)
    .describe('how long a process that is told to end goes on answering on the connections that clients keep open'),
  METRICS_PORT: port
    .optional()
    .describe('port of its own for /metrics, apart from the one of clients; without it the router has none'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url
    .optional()
    .describe('an OpenTelemetry collector, which traces are sent to by OTLP over HTTP; none without it'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url.optional().describe('the same, with the whole path, for traces alone'),
  OTEL_EXPORTER_OTLP_PROTOCOL: otlpProtocol.default('http/protobuf').describe('how they are sent'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: otlpProtocol.optional().describe('the same, for traces alone'),
  OTEL_TRACES_EXPORTER: z.enum(['otlp', 'none'], 'must be otlp or none').default('otlp').describe('none: no traces'),
  OTEL_SDK_DISABLED: z
    .string()
    .transform((text) => text.toLowerCase() === 'true')
    .prefault('false')
    .describe('true: no traces'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent'], 'must be fatal, error, warn, info, debug or silent')
    .default('info')
    .describe('least severe log line to write'),
  DATABASE_URL: postgresUrl.describe(
    "postgresql:// URL of the service's own database; for `npm start`, of a server where it may create roles and databases",
  ),
  DATABASE_POOL: count.default(10).describe('connections to the database, at most'),
  MIGRATE: onOrOff
    .default('on')
    .describe('off: a service does not change its schema, but waits until `npm run migrate` has made it new enough'),
  NATS_URL: urlOf(/^(nats|tls)$/, 'nats://host:4222')
    .default('nats://127.0.0.1:4222')
    .describe('nats:// or tls:// URL, the latter to demand TLS; user and password in it where needed'),
  NATS_CREDENTIALS: z
    .string()
    .regex(
      /-----BEGIN NATS USER JWT-----[\s\S]+-----BEGIN USER NKEY SEED-----/,
      'must be what is in a .creds file of NATS',
    )
    .optional()
    .describe('JWT and seed of a NATS user, as they stand in a .creds file'),
  NATS_REPLICAS: whole(1, 5).default(1).describe('copies that a NATS cluster keeps of each stream'),

  ROUTER_KEY: secret.describe('signs what the router asks of the subgraphs; the same for all of them'),
  TOKEN_KEYS: z
    .string()
    .min(1)
    .optional()
    .describe('private Ed25519 keys, as PEM (PKCS#8) or a JSON Web Key Set; the first signs access tokens'),
  SUPERUSER: list.default([]).describe('e-mail addresses of the accounts that have the role ADMIN'),
  SUPERUSER_FILE: z.string().min(1).optional().describe('path of a file that names more of them, read anew each time'),
  JWKS_URL: url
    .default('http://127.0.0.1:4004/.well-known/jwks.json')
    .describe('where the public keys of access tokens are'),
  OIDC_ISSUER: url.optional().describe('an outside OpenID provider, whose tokens are believed instead of our own'),
  OIDC_AUDIENCE: z.string().min(1).optional().describe("what that provider's tokens for this shop have as audience"),
  OIDC_ROLES: rolesByClaim.default([]).describe('which claims of that provider give which roles'),

  TRUSTED_PROXIES: list
    .default([])
    .refine(areNetworks, 'must be addresses or blocks such as 10.0.0.0/8, separated by commas')
    .describe('the proxies in front of the router that are believed about the address of a client'),

  BOOK_URL: url.default('http://127.0.0.1:4001/graphql').describe('the book subgraph'),
  RENTAL_URL: url.default('http://127.0.0.1:4002/graphql').describe('the rental subgraph'),
  DELIVERY_URL: url.default('http://127.0.0.1:4003/graphql').describe('the delivery subgraph'),
  CUSTOMER_URL: url.default('http://127.0.0.1:4004/graphql').describe('the customer subgraph'),
  GRAPHIQL: onOrOff.default('on').describe('the GraphiQL page and introspection'),

  CORS_ORIGINS: origins.prefault('').describe('pages of other origins that may ask from a browser'),
  SAFELIST: z
    .string()
    .min(1)
    .optional()
    .describe('file of the operations that may be run, as `npm run safelist` writes it'),

  RENTABOOK_LIMITS: onOrOff
    .default('on')
    .describe('off lifts what one caller may ask for, for load runs on one machine; size and cost stay limited'),
  MAX_BODY_BYTES: whole(1000, 10_000_000).default(65_536).describe('bytes of a request or a message, at most'),
  MAX_TOKENS: count.default(1000).describe('words and signs of a document, at most'),
  MAX_DEPTH: count.default(16).describe('fields below one another in an operation, at most'),
  MAX_SELECTIONS: count.default(1000).describe('fields of an operation with its fragments written out, at most'),
  MAX_ALIASES: count.default(30).describe('aliases in an operation, at most'),
  MAX_ROOT_FIELDS: count.default(20).describe('root fields of an operation, at most'),
  MAX_COST: whole(1, 1_000_000_000)
    .default(10_000)
    .describe('objects that an operation may lead to, at most, by @cost and @listSize'),
  MAX_IN_FLIGHT: count.default(256).describe('requests of one caller answered at once, at most'),
  MAX_SUBSCRIPTIONS: count.default(100).describe('subscriptions of one caller, at most'),
  RATES: rates
    .prefault('*=6000, signUp=300, signIn=600, refreshSession=600, changePassword=60, exportMyData=6, eraseMe=6')
    .describe('requests a minute of one caller for each root field, at most; * for those that are not named'),

  CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code')
    .default('KRW')
    .describe("the shop's one currency"),
  LOAN_DAYS: whole(1, 365).default(14).describe('days from delivery to the due date'),
  RENEWALS: whole(0, 100).default(2).describe('how often a loan may be renewed'),
  GRACE_DAYS: whole(0, 365).default(1).describe('days after the due date in which a loan is not overdue yet'),
  RENTALS_PER_CUSTOMER: count.default(250).describe('rentals that a customer may have open at once'),
  UNPAID_FEES_LIMIT: whole(0, 1_000_000_000)
    .default(10_000)
    .describe('minor units of unpaid fees above which a customer may rent nothing more'),
  LATE_FEE_PERCENT: percent.default(10).describe("late fee per copy and day, in percent of the copy's rental fee"),
  LATE_FEE_CAP_PERCENT: percent.default(200).describe('late fee per copy, at most, likewise'),
  DAMAGE_FEE_PERCENT: percent.default(100).describe('fee for a damaged copy, likewise'),
  REPLACEMENT_FEE_PERCENT: percent
    .default(500)
    .describe('fee for a copy that is lost or cannot be used any more, likewise'),
  LOST_AFTER_DAYS: whole(1, 3650).default(60).describe('days overdue after which a loan counts as lost'),
  OFFER_HOURS: whole(1, 8760).default(48).describe('how long a copy is set aside for who is next on the waitlist'),
  SETTLE_WAIT_MS: milliseconds.default(5000).describe('how long requestRental waits for the outcome'),
  BOOK_TIMEOUT_MS: milliseconds.default(1000).describe('how long Rental waits for Book'),
  PAYMENT_TIMEOUT_MS: milliseconds.default(4000).describe('how long Rental waits for the payment provider'),
  ADMISSION_LIMIT: count
    .default(64)
    .describe('requests settled at once in the whole service, at most; the others wait'),
  ADMISSION_TARGET_MS: milliseconds
    .min(1)
    .default(2000)
    .describe('fewer are settled at once while one in ten takes longer than this'),
  HOLD_LIMIT: whole(0, 10_000_000).default(100_000).describe('requests that may wait; above it they are turned away'),
  HOLD_TTL_MS: whole(1000, 7 * 86_400_000)
    .default(86_400_000)
    .describe('a request that waited longer is rejected'),
  STRIPE_URL: url.default('https://api.stripe.com').describe("the payment provider's address, Stripe's API"),
  STRIPE_SECRET_KEY: z.string().min(1).describe("the payment provider's secret key"),
  STRIPE_WEBHOOK_SECRET: secret
    .optional()
    .describe("signs the payment provider's webhook calls; without it they are not taken"),
  STRIPE_PUBLISHABLE_KEY: z
    .string()
    .regex(/^pk_\w+$/, 'must begin with pk_')
    .optional()
    .describe('by which the page asks Stripe for cards; without it no page talks to Stripe'),

  CARRIER_URL: url.describe("the carrier's API"),
  CARRIER_KEY: z.string().min(16).describe("bearer token for the carrier's API"),
  CARRIER_TIMEOUT_MS: milliseconds.default(3000).describe('how long Delivery waits for the carrier'),
  CARRIER_WEBHOOK_SECRET: secret.describe("signs the carrier's webhook calls"),
  CARRIER_POLL_MS: milliseconds
    .min(100)
    .default(30_000)
    .describe('a parcel silent for so long is asked for at the carrier'),

  SMTP_URL: urlOf(/^smtps?$/, 'smtps://user:password@host:465')
    .optional()
    .describe('mail server by which customers are told of their rentals, user and password in it where needed'),
  SMTP_FROM: sender.optional().describe('who such mail is from'),
  NOTIFY_WEBHOOK_URL: urlWithoutPassword
    .optional()
    .describe("a program of the shop's that is told what customers are to be told"),
  NOTIFY_WEBHOOK_SECRET: secret.optional().describe('signs the calls to that program'),

  SANDBOX_CARRIER_STEP_MS: milliseconds.default(5000).describe('time between two scans of the sandbox carrier'),
  SANDBOX_CARRIER_WEBHOOK_URL: url
    .default('http://127.0.0.1:4000/webhooks/carrier')
    .describe('where the sandbox carrier reports scans'),
  SANDBOX_STRIPE_WEBHOOK_URL: url
    .optional()
    .describe('where the sandbox bank tells what happened to a payment; nowhere unless it is set'),
  SANDBOX_PAYMENT_DELAY_MS: milliseconds.default(0).describe('how long the sandbox bank takes for an authorisation'),
  SANDBOX_PAYMENT_SLOTS: count.default(64).describe('authorisations that the sandbox bank works on at once'),

  RENTABOOK_DATA: z.string().min(1).default('.rentabook').describe('folder in which `npm start` keeps everything'),
  RENTABOOK_DEMO: onOrOff.default('off').describe('make the demo catalogue and accounts in an empty database'),
  NATS_SERVER: z.string().min(1).optional().describe('path of a nats-server 2.14 or newer'),

  ADMIN_DATABASE_URL: postgresUrl
    .optional()
    .describe('for `npm run migrate`: the server of the databases, as an account that may create roles and databases'),
  BOOK_DATABASE_URL: postgresUrl.describe("Book's database, for the tools in operate/"),
  RENTAL_DATABASE_URL: postgresUrl.describe("Rental's database, likewise"),
  DELIVERY_DATABASE_URL: postgresUrl.describe("Delivery's database, likewise"),
  CUSTOMER_DATABASE_URL: postgresUrl.describe("Customer's database, likewise"),
  SANDBOX_DATABASE_URL: postgresUrl.optional().describe("the sandbox bank's database, likewise"),
} satisfies Record<string, z.ZodType>;

/** What may be left out only where something else is given, or is not. */
const neededWhere: Partial<Record<keyof typeof settings, (env: NodeJS.ProcessEnv) => boolean>> = {
  TOKEN_KEYS: (env) => !env.OIDC_ISSUER,
  OIDC_AUDIENCE: (env) => Boolean(env.OIDC_ISSUER),
  STRIPE_WEBHOOK_SECRET: (env) => Boolean(env.SANDBOX_STRIPE_WEBHOOK_URL),
  SMTP_URL: (env) => Boolean(env.SMTP_FROM),
  SMTP_FROM: (env) => Boolean(env.SMTP_URL),
  NOTIFY_WEBHOOK_URL: (env) => Boolean(env.NOTIFY_WEBHOOK_SECRET),
  NOTIFY_WEBHOOK_SECRET: (env) => Boolean(env.NOTIFY_WEBHOOK_URL),
};

type Settings = typeof settings;
export type Setting = keyof Settings;
export type Config<N extends Setting> = { readonly [S in N]: z.infer<Settings[S]> };

/** The environment does not say what the process needs; the message names every variable at fault. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** The named settings, typed. An empty variable counts as unset. @throws ConfigError naming every missing or wrong one. */
export function readConfig<N extends Setting>(names: readonly N[], env: NodeJS.ProcessEnv = process.env): Config<N> {
  const given = Object.fromEntries(names.map((name) => [name, env[name] === '' ? undefined : env[name]]));
  const shape = Object.fromEntries(names.map((name) => [name, settings[name]]));
  const result = z.object(shape).safeParse(given);
  const missing = names.filter((name) => given[name] === undefined && neededWhere[name]?.(env));
  if (result.success && !missing.length) return result.data as Config<N>; // the shape is made of the very names of N
  const wrong = (result.error?.issues ?? []).map(({ path, message }) => {
    const name = String(path[0]) as N;
    return sentenceOn(name, given[name] === undefined ? 'is not set' : message);
  });
  const mistakes = [...wrong, ...missing.map((name) => sentenceOn(name, 'is not set'))];
  throw new ConfigError(`The configuration is not complete: ${mistakes.join(' ')}`);
}

const sentenceOn = (name: Setting, reason: string): string => `${name} ${reason} (${settings[name].description}).`;

/** The settings that the environment gives, as they stand there, whether right or wrong. */
export const givenSettings = (): Partial<Record<Setting, string>> =>
  pick((Object.keys(settings) as Setting[]).filter((name) => process.env[name]));

/** What every program needs of this one's environment, whatever it is; `settings` beside it. Nothing else is passed on. */
export const bareEnvironment = (settings: Partial<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...pick(['PATH', 'HOME', 'TZ', 'SystemRoot', 'TEMP', ...openTelemetrys()]),
  ...settings,
});

/** This process's environment with `changes`: for tools that the user has set up by variables of their own. */
export const wholeEnvironment = (changes: Record<string, string>): NodeJS.ProcessEnv => ({
  ...process.env,
  ...changes,
});

/** Its SDK has many more than those that are read here. */
const openTelemetrys = () => Object.keys(process.env).filter((name) => name.startsWith('OTEL_'));

const pick = (names: string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

/** Sets what a library reads from the environment by itself and has no option for. */
export const setForLibrary = (name: 'APOLLO_TELEMETRY_DISABLED' | 'NODE_ENV', value: string): void => {
  process.env[name] = value;
};
