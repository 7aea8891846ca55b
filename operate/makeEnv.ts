/** `npm run make-env`: .env.example with secrets of its own in it, for compose.yaml. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { codeOf } from '#platform/errors.ts';
import { makeTokenKeys, randomSecret, randomStripeKey } from '#platform/secrets.ts';
import { Complaint, print, runCommand } from './command.ts';

const HELP = `npm run make-env -- [--print]

Writes .env for "docker compose up": what stands in .env.example, with fresh secrets where it has none. It never writes over
an .env that is there, since the data of a system can be read with its secrets alone.

--print   to the standard output instead, for a machine without npm:
          docker run --rm "$(docker build -q .)" node operate/makeEnv.ts --print > .env

Exit code: 0 when it is written, 2 when it could not be done.`;

/** Whatever is empty in .env.example and not named here may stay so. */
const secrets: Record<string, () => string | Promise<string>> = {
  POSTGRES_PASSWORD: randomSecret,
  BOOK_DATABASE_PASSWORD: randomSecret,
  RENTAL_DATABASE_PASSWORD: randomSecret,
  DELIVERY_DATABASE_PASSWORD: randomSecret,
  CUSTOMER_DATABASE_PASSWORD: randomSecret,
  SANDBOX_DATABASE_PASSWORD: randomSecret,
  NATS_PASSWORD: randomSecret,
  ROUTER_KEY: randomSecret,
  TOKEN_KEYS: async () => `'${await makeTokenKeys()}'`,
  STRIPE_SECRET_KEY: randomStripeKey,
  STRIPE_WEBHOOK_SECRET: randomSecret,
  CARRIER_KEY: randomSecret,
  CARRIER_WEBHOOK_SECRET: randomSecret,
};

await runCommand(async () => {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' }, print: { type: 'boolean' } } });
  if (values.help) {
    print(HELP);
    return 0;
  }
  const content = await filled(readFileSync(new URL('../.env.example', import.meta.url), 'utf8'));
  if (values.print) process.stdout.write(content);
  else write('.env', content);
  return 0;
});

async function filled(example: string): Promise<string> {
  const lines = example.split('\n').map(async (line) => {
    const name = /^(\w+)=$/.exec(line)?.[1] ?? '';
    return `${line}${(await secrets[name]?.()) ?? ''}`;
  });
  return (await Promise.all(lines)).join('\n');
}

/** @throws Complaint when there is such a file */
function write(file: string, content: string): void {
  try {
    writeFileSync(file, content, { flag: 'wx', mode: 0o600 });
    print(`Wrote ${file}.`);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw new Complaint(`There is an ${file} already: it is left as it is.`);
  }
}
