/** compose.yaml as it stands, without containers: its variables, who knows which secret, who is reached from outside. */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { parse } from 'yaml';
import { readConfig, type Setting } from '#platform/config.ts';
import { runCommand } from './command.ts';

interface Compose {
  'x-needed': string[];
  services: Record<
    string,
    { image: string; environment?: Record<string, string>; ports?: string[]; networks: string[] }
  >;
  networks: Record<string, { internal?: boolean }>;
}

const text = readFileSync('compose.yaml', 'utf8');
const { 'x-needed': needed, services, networks } = parse(text, { merge: true }) as Compose;
const VARIABLE = /\$\{(\w+)(?::([?-])([^}]*))?\}/g;
const namesIn = (part: string) => [...part.matchAll(VARIABLE)].map(([, name = '']) => name);
const asked = namesIn(text);
const isNeeded = new Set(namesIn(needed.join()));
const example = parseEnv(readFileSync('.env.example', 'utf8'));

let made: NodeJS.Dict<string>;
beforeAll(async () => {
  made = parseEnv((await runCommand('operate/makeEnv.ts', {}, '--print')).stdout);
});

const ours = Object.keys(services).filter((name) => services[name]?.image.startsWith('rentabook'));
const environmentOf = (service: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(services[service]?.environment ?? {}).map(([name, value]) => [
      name,
      value.replace(VARIABLE, (_, variable, sign, rest) => made[variable] || (sign === '-' ? rest : '')),
    ]),
  );

test('.env.example names the variables that are asked for, and no others', () => {
  expect(asked.length).toBeGreaterThan(20);
  expect(new Set(Object.keys(example))).toEqual(new Set(asked));
});

test('one that is missing is told once: nowhere else is it needed', () => {
  expect(needed.filter((entry) => !/^\$\{\w+:\?.*\}$/.test(entry))).toEqual([]);
  expect(text.match(/:\?/g)).toHaveLength(isNeeded.size);
});

test('make-env gives a value to each that must have one, and changes none that .env.example gives', () => {
  expect(Object.keys(made)).toEqual(Object.keys(example));
  expect([...isNeeded].filter((name) => !made[name])).toEqual([]);
  expect(made).toMatchObject(Object.fromEntries(Object.entries(example).filter(([, value]) => value)));
  const secrets = Object.keys(made).filter((name) => made[name] && !example[name]);
  expect(new Set(secrets.map((name) => made[name])).size).toBe(secrets.length);
});

test.each(ours)('%s is given settings that there are, with values that they can have', (service) => {
  const environment = environmentOf(service);

  expect(() => readConfig(Object.keys(environment) as Setting[], environment)).not.toThrow();
});

test('a secret is known to those alone who need it', () => {
  const knowing = (name: string) => ours.filter((service) => environmentOf(service)[name]);
  const entering = (role: string) =>
    ours.filter((service) => Object.values(environmentOf(service)).some((value) => value.includes(`//${role}:`)));

  expect(knowing('TOKEN_KEYS')).toEqual(['customer']);
  expect(knowing('STRIPE_SECRET_KEY')).toEqual(['rental', 'sandbox']);
  expect(knowing('STRIPE_WEBHOOK_SECRET')).toEqual(['rental', 'sandbox']);
  expect(knowing('CARRIER_KEY')).toEqual(['delivery', 'sandbox']);
  expect(knowing('CARRIER_WEBHOOK_SECRET')).toEqual(['delivery', 'sandbox']);
  expect(knowing('ROUTER_KEY')).toEqual(['book', 'rental', 'delivery', 'customer', 'router']);
  expect(entering('postgres')).toEqual(['migrate']);
  expect(entering('rentabook')).toEqual(['book', 'rental', 'delivery', 'customer']);
  for (const service of ['book', 'rental', 'delivery', 'customer', 'sandbox'])
    expect(entering(`rentabook_${service}`)).toEqual(['migrate', service]);
});

test('the router alone is reached from outside, and not on the network where the data is', () => {
  const published = Object.keys(services).filter((service) => services[service]?.ports);

  expect(published).toEqual(['router']);
  expect(services.router?.ports).toEqual([expect.stringMatching(/^\$\{RENTABOOK_ADDRESS:-127\.0\.0\.1\}:/)]);
  expect(services.router?.networks).not.toContain('data');
  expect(networks).toMatchObject({ data: { internal: true }, services: { internal: true } });
});
