/**
 * `npm run test:compose`: compose.yaml in containers, from nothing to nothing, as an operator and a client meet it. It has secrets
 * and a project of its own; port 4000 must be free. `--compose`, `--up` and `--inside` name other programs than Docker's.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { parseArgs, parseEnv } from 'node:util';
import { wholeEnvironment } from '#platform/config.ts';

const { values } = parseArgs({
  options: {
    /** What the verbs of Docker Compose are given to. */
    compose: { type: 'string', default: 'docker compose --project-name rentabook-check' },
    /** The verb that builds, starts and waits until all is healthy. */
    up: { type: 'string', default: 'up --build --wait' },
    /** Runs a client where the router is reached. */
    inside: { type: 'string', default: '' },
  },
});
const URL = 'http://127.0.0.1:4000';

interface Ended {
  code: number | null;
  output: string;
}

function run(command: string, args: string[], settings: NodeJS.Dict<string>): Ended {
  const [program = '', ...first] = command.split(' ').filter(Boolean);
  const env = wholeEnvironment(settings as Record<string, string>); // what was parsed has no gaps
  const { status, stdout, stderr, error } = spawnSync(program, [...first, ...args], {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error) throw error;
  return { code: status, output: `${stdout}${stderr}` };
}

const made = run(process.execPath, ['operate/makeEnv.ts', '--print'], {});
const settings = { ...parseEnv(made.output), SANDBOX_CARRIER_STEP_MS: '400' };
const compose = (...args: string[]) => run(values.compose, args, settings);
const up = () => run(values.compose, values.up.split(' '), settings);
const client = (task: string) => run(values.inside, [process.execPath, 'tests/compose/client.ts', task, URL], {});

function must(ended: Ended): string {
  if (ended.code !== 0) throw new Error(`It ended with ${ended.code}:\n${ended.output}`);
  return ended.output;
}

/** What a program in the router's container makes of `code`. */
const inRouter = (...command: string[]) => compose('exec', '-T', 'router', ...command);

let orders = '';

const checks: [claim: string, check: () => void][] = [
  [
    'a variable that is missing is told by its name, and nothing starts',
    () => {
      const { code, output } = run(values.compose, ['ps'], { ...settings, ROUTER_KEY: '' });
      assert.notEqual(code, 0);
      assert.match(output, /required variable ROUTER_KEY is missing a value: npm run make-env/);
    },
  ],
  ['all services become healthy', () => must(up())],
  [
    'a process is nobody special and can write nothing',
    () => {
      const user = must(inRouter('node', '-p', 'process.getuid()'));
      assert.match(user, /^1000$/m);
      const { code, output } = inRouter('node', '-e', "require('fs').writeFileSync('/app/x', '')");
      assert.notEqual(code, 0);
      assert.match(output, /EROFS|EACCES/);
    },
  ],
  [
    'a wrong value is told in a sentence that names its variable',
    () => {
      const { code, output } = inRouter('env', 'PORT=here', 'node', 'router/main.ts');
      assert.notEqual(code, 0);
      assert.match(output, /The configuration is not complete: PORT must be a number/);
    },
  ],
  [
    'a browser gets the page, which knows that there are demo accounts',
    () => {
      const page = must(client('page'));
      assert.match(page, /<meta name="rentabook" content="{[^"]*&quot;demo&quot;:true/);
      assert.match(page, /createElement/);
    },
  ],
  [
    'a client finds, rents, follows and returns a book',
    () => {
      orders = must(client('story'));
    },
  ],
  [
    'what happened is there after all containers were removed and made again',
    () => {
      must(compose('down'));
      must(up());
      assert.equal(must(client('orders')), orders);
    },
  ],
];
compose('down', '-v');
try {
  for (const [claim, check] of checks) {
    const from = performance.now();
    check();
    process.stdout.write(`ok  ${claim} (${((performance.now() - from) / 1000).toFixed(1)} s)\n`);
  }
} catch (error) {
  process.stdout.write(`${compose('logs').output}\n`);
  throw error;
} finally {
  compose('down', '-v');
}
