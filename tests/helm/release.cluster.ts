/** The chart on a real cluster, as an operator uses it: installed, upgraded, scaled, hurt and taken away while customers rent. */
import { setTimeout as sleep } from 'node:timers/promises';
import { addBook, type Client, clientOf, eventually } from '../client.ts';
import {
  apply,
  checkTools,
  countsOf,
  helm,
  kubectl,
  type Pod,
  podsOf,
  restartsIn,
  runProgram,
  togetherMs,
  watchPods,
  whenAllReady,
} from './cluster.ts';
import { type Load, type LoadOptions, type LoadReport, startLoad } from './load.ts';
import { type Outage, openPlace, type Place } from './place.ts';
import { makeNamespace, type Release, releaseIn, type Wish } from './release.ts';
import { measured, say, seconds, tellResults } from './results.ts';
import {
  addBooks,
  crowdOf,
  type Following,
  followAll,
  judge,
  lentOf,
  reconcile,
  rolesOf,
  signInAs,
  staffOf,
  whenQuiet,
} from './shop.ts';
import { rentAndReturn } from './story.ts';

const names = { namespace: 'rentabook-test', release: 'rentabook' };
const elsewhere = { namespace: 'rentabook-test-2', release: 'other' };
const [FIRST, SECOND] = ['first@shop.test', 'second@shop.test'];
const MINUTE_MS = 60_000;

const CROWD = { clients: 255, perSecond: 100, forMs: 2 * MINUTE_MS, followers: 50 };
const LIGHT = { clients: 5, perSecond: 5 };
const TITLES = 20;
/** So few that most requests are refused: a machine of two cores would not send off that many parcels. */
const COPIES = 25;

let place: Place;
let release: Release;

beforeAll(async () => {
  await checkTools();
  place = await openPlace(names);
  say(`on ${place.kind}`);
  await makeNamespace(names.namespace);
  release = releaseIn(names, place);
}, 5 * MINUTE_MS);

/** What a step that fails half way leaves running. */
const begun: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of begun.splice(0)) await stop();
}, MINUTE_MS);

afterAll(async () => {
  tellResults();
  await kubectl('delete', 'namespace', names.namespace, elsewhere.namespace, '--ignore-not-found', '--timeout=120s');
  await place?.close();
}, 3 * MINUTE_MS);

const installed: Wish = { version: 'this', superuser: FIRST };
const upgraded: Wish = { version: 'next', superuser: SECOND };

test(
  '1 it is installed with one command under the restricted Pod Security Standard, and does its main job',
  async () => {
    const step = '1 install';
    const { code, stderr, tookMs } = await release.upgrade(
      { ...installed, courierStepMs: 1000 },
      '--wait',
      '--timeout',
      '5m',
    );
    measured(step, 'helm install --wait', code ? stderr : seconds(tookMs));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });

    const smoke = await helm('test', names.release, '-n', names.namespace, '--timeout', '2m');
    measured(step, 'helm test', smoke.code ? `${smoke.stdout}${smoke.stderr}` : seconds(smoke.tookMs));
    expect(smoke.code).toBe(0);

    const [reader, staff] = [await signInAs(place.url, 'reader@shop.test'), await staffOf(place.url, FIRST)];
    const statuses = await rentAndReturn(reader, staff);
    measured(step, 'told live over WebSocket', statuses.join(' '));
    expect(statuses).toEqual(['REQUESTED', 'ACCEPTED', 'SHIPPING', 'ON_LOAN', 'RETURNING', 'RETURNED', 'CLOSED']);
  },
  10 * MINUTE_MS,
);

test(
  '2 an upgrade with another superuser under load loses no request and no live status',
  async () => {
    const step = '2 upgrade';
    await release.stand(installed);
    const { report, following, old, together } = await upgradeUnderLoad(step, upgraded, CROWD.forMs);

    expect(report.failed).toBe(0);
    expect(report.connections).toBeGreaterThanOrEqual(CROWD.clients);
    expect(report.sent).toBeGreaterThan((CROWD.perSecond * CROWD.forMs) / 1000 / 2); // or it was no load
    expect(following.wrong).toEqual([]);
    expect(following.changes).toBeGreaterThan(CROWD.followers);
    expect(following.reconnects).toBeGreaterThanOrEqual(CROWD.followers);

    const left = (await podsOf(names.namespace)).filter(({ template }) => old.includes(template));
    const ofBoth = Object.entries(together).map(([component, ms]) => `${component} ${seconds(ms)}`);
    measured(step, 'both versions live', ofBoth.join(', '));
    expect(left).toEqual([]);
    for (const component of ['router', 'book', 'rental', 'delivery', 'customer'])
      expect(together[component]).toBeGreaterThan(0);

    const [first, second] = [await signInAs(place.url, FIRST), await signInAs(place.url, SECOND)];
    const isAdmin = [first, second].map((client) => rolesOf(client).includes('ADMIN'));
    measured(step, 'ADMIN afterwards', `the former superuser ${isAdmin[0]}, the new one ${isAdmin[1]}`);
    expect(isAdmin).toEqual([false, true]);
  },
  20 * MINUTE_MS,
);

const unprepared = {
  defaults: {
    startupProbe: null,
    livenessProbe: null,
    readinessProbe: null,
    minReadySeconds: 0,
    preStopSeconds: 0,
    lingerMs: 0,
  },
};

test(
  '3 the same with readiness and drain taken away loses requests: the check can fail',
  async () => {
    const step = '3 unprepared';
    await release.stand({ ...installed, superuser: SECOND, values: unprepared });
    await eventually(
      () => staffOf(place.url, SECOND).catch(() => null), // helm waited for nothing
      Boolean,
      2 * MINUTE_MS,
    );
    const { report } = await upgradeUnderLoad(step, { ...upgraded, values: unprepared }, MINUTE_MS);

    expect(report.failed).toBeGreaterThan(0);
  },
  20 * MINUTE_MS,
);

/**
 * As it is, but that it shrinks within the time of a test, and requests a little less: two cores can then bring ten pods above
 * 15 % of it (with 500m they came to 9, with 400m to 10), and two that are idle (25m each) are still below.
 */
const scaling = {
  services: {
    rental: {
      resources: { requests: { cpu: '400m' } },
      autoscaling: {
        enabled: true,
        behavior: {
          scaleDown: {
            stabilizationWindowSeconds: 15,
            policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
          },
        },
      },
    },
  },
};

test(
  '4 Rental grows to ten pods and back under load, and sells no copy and no request twice',
  async () => {
    const step = '4 scale';
    await release.stand({ ...upgraded, values: scaling });
    await whenAllReady(names.namespace);
    const staff = await staffOf(place.url, SECOND);
    const bookIds = [await addBook(staff, COPIES)];
    const crowd = await crowdOf(place, names, CROWD.clients);
    const watch = watchPods(names.namespace);
    begun.push(watch.stop);
    const from = Date.now();

    const load = begin({
      url: place.url,
      tokens: tokensOf(crowd),
      bookIds,
      perSecond: CROWD.perSecond,
      repeatEvery: 10,
    });
    await eventually(
      () => readyOf('rental'),
      (ready) => ready >= 10,
      4 * MINUTE_MS,
    ).finally(() => measured(step, 'pods of Rental', ladder(countsOf(watch.seen, 'rental'), from)));
    measured(step, 'from 1 to 10 pods in', seconds(Date.now() - from));
    const report = await stopAndTell(step, load);
    const downFrom = Date.now();
    await eventually(
      () => readyOf('rental'),
      (ready) => ready === 1,
      6 * MINUTE_MS,
    ).finally(() => measured(step, 'pods of Rental', ladder(countsOf(watch.seen, 'rental'), from)));
    measured(step, 'from 10 to 1 pods in', seconds(Date.now() - downFrom));
    watch.stop();

    // What failed is told, not judged: one pod faces all of the load at first, on the cores on which the others start.
    expect(report.answered.length).toBeGreaterThan(COPIES);
    await whenQuiet(place);
    const lent = await lentOf(place, bookIds);
    measured(
      step,
      `lent of ${COPIES} copies, asked for by ${report.answered.length} requests`,
      Object.values(lent).join(),
    );
    expect(Object.values(lent)).toEqual([COPIES]);
    expectOneRentalForEachKey(step, report);
    await expectAgreement(step);
  },
  20 * MINUTE_MS,
);

test(
  '5 a process that hangs is restarted by its liveness',
  async () => {
    const step = '5 freeze';
    await release.stand({ ...upgraded, values: { services: { book: { replicas: 2 } } } });
    const pods = await whenAllReady(names.namespace);
    const victim = pods.find(({ component }) => component === 'book');
    if (!victim) throw new Error('There is no pod of Book.');

    const load = await lightLoad();
    await place.freeze(victim);
    const from = Date.now();
    const { restarts } = await eventually(
      () => podNamed(victim.name),
      (pod) => pod.restarts > victim.restarts && pod.ready,
      3 * MINUTE_MS,
    );
    measured(step, 'restarted and ready again after', seconds(Date.now() - from));
    await stopAndTell(step, load);

    expect(restarts).toBe(victim.restarts + 1);
    expect(await serves()).toBe(true);
  },
  10 * MINUTE_MS,
);

test(
  '6a a version that cannot start is rolled back, and the old one goes on serving',
  async () => {
    await expectRolledBack('6a broken version', { ...upgraded, version: 'broken' }, '90s');
  },
  10 * MINUTE_MS,
);

test(
  '6b a migration that fails is told in a sentence and rolled back, and the old version goes on serving',
  async () => {
    const step = '6b failing migration';
    if (!place.has('badMigration')) return measured(step, 'left out', 'there is no such image');
    await expectRolledBack(step, { ...upgraded, version: 'badMigration' }, '90s', /a migration failed/);
  },
  10 * MINUTE_MS,
);

const NOBODY = { host: '127.0.0.1', port: 9 };
test.each([
  [
    'database',
    {
      evaluation: { postgresql: { enabled: false } },
      database: { ...NOBODY, adminUrl: `postgresql://postgres:none@${NOBODY.host}:${NOBODY.port}/postgres` },
    },
    /cannot be entered/,
  ],
  [
    'NATS',
    { evaluation: { nats: { enabled: false } }, nats: { url: `nats://${NOBODY.host}:${NOBODY.port}` } },
    /NATS at .* does not let/,
  ],
])(
  '6c an install that cannot reach its %s says so in a sentence, and disturbs nobody',
  async (what, values, sentence) => {
    const step = `6c no ${what}`;
    await release.stand(upgraded);
    const before = await podsOf(names.namespace);
    await makeNamespace(elsewhere.namespace);
    const servers = await place.another();
    try {
      const other = releaseIn(elsewhere, { ...place, values: servers.values });
      const { code, stderr } = await other.upgrade({ ...installed, values }, '--wait', '--timeout', '60s');
      measured(step, 'helm install --wait', code ? (stderr.trim().split('\n').at(-1) ?? '') : 'ready without it');
      const said = await eventually(
        async () => (await sayings(elsewhere.namespace, sentence))[0],
        (said) => said !== undefined,
      );
      measured(step, 'the pods say', said ?? 'nothing');
      await other.uninstall();
    } finally {
      await kubectl('delete', 'namespace', elsewhere.namespace, '--timeout=120s');
      await servers.close();
    }
    expect(restartsIn(await podsOf(names.namespace))).toEqual(restartsIn(before));
    expect(await serves()).toBe(true);
  },
  10 * MINUTE_MS,
);

test.each([
  ['NATS', () => place.nats],
  ['the database', () => place.database],
])(
  '7 an outage of %s restarts nothing, and all is ready again after it',
  async (what, outageOf) => {
    const step = `7 outage of ${what}`;
    await release.stand(upgraded);
    const before = await whenAllReady(names.namespace);
    const load = await lightLoad();
    const recoveryMs = await during(outageOf(), 40_000);
    const after = await whenAllReady(names.namespace);
    measured(step, 'all ready again after', seconds(recoveryMs()));
    await stopAndTell(step, load);

    expect(restartsIn(after)).toEqual(restartsIn(before));
    expect(after.map(({ name }) => name).sort()).toEqual(before.map(({ name }) => name).sort());
    await eventually(() => serves(), Boolean, MINUTE_MS);
    await expectAgreement(step);
  },
  10 * MINUTE_MS,
);

test.each([
  ['values.yaml as a trial', ['--set', 'evaluation.enabled=true']],
  ['values-production.yaml', ['-f', 'values-production.yaml']],
])(
  '8 the API server accepts every template of %s',
  async (what, flags) => {
    const chart = place.chart('this');
    await apply(OPERATOR_KINDS);
    const { stdout: version } = await runProgram('kubectl', ['version', '-o', 'json']);
    const kubernetes = JSON.parse(version).serverVersion.gitVersion;
    const given = flags.map((flag) => (flag.endsWith('.yaml') ? `${chart}/${flag}` : flag));
    const render = ['template', 'dry', chart, '-n', elsewhere.namespace, '--kube-version', kubernetes, ...given];
    const rendered = await helm(...render);
    expect({ code: rendered.code, stderr: rendered.stderr }).toEqual({ code: 0, stderr: '' });

    await makeNamespace(elsewhere.namespace);
    const account = await helm(...render, '--show-only', 'templates/serviceaccount.yaml');
    await apply(account.stdout, '-n', elsewhere.namespace); // a pod is only let in with its own, also for show
    const { code, stdout, stderr } = await apply(rendered.stdout, '-n', elsewhere.namespace, '--dry-run=server');
    measured('8 dry run', what, code ? stderr : `${stdout.trim().split('\n').length} objects accepted`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  },
  2 * MINUTE_MS,
);

test(
  '9 uninstalling leaves nothing but the secrets that open the data',
  async () => {
    await release.stand(upgraded);
    const { code, tookMs } = await release.uninstall();
    measured('9 uninstall', 'helm uninstall --wait', code ? 'failed' : seconds(tookMs));
    expect(code).toBe(0);

    const left = await eventually(
      () => objectsIn(names.namespace),
      (objects) => objects.every((object) => !/^(pod|job|endpoint)/.test(object)),
      MINUTE_MS,
    );
    measured('9 uninstall', 'left in the namespace', left.join(', '));
    const kept = ['configmap/kube-root-ca.crt', 'secret/rentabook-made', 'serviceaccount/default'];
    const claims = left.filter((object) => object.startsWith('persistentvolumeclaim/data-rentabook-')); // of the trial's servers
    expect(left).toEqual([...kept, ...claims].sort());
  },
  5 * MINUTE_MS,
);

const tokensOf = (clients: Client[]): string[] => clients.map(({ token }) => token ?? '');

function begin(options: LoadOptions): Load {
  const load = startLoad(options);
  begun.push(load.stop);
  return load;
}

interface Upgrade {
  report: LoadReport;
  following: Following;
  /** Of the pods before. */
  old: string[];
  together: Record<string, number>;
}

async function upgradeUnderLoad(step: string, wish: Wish, forMs: number): Promise<Upgrade> {
  const before = await whenAllReady(names.namespace);
  const staff = await staffOf(place.url, await superuserNow());
  const bookIds = await addBooks(staff, TITLES, COPIES);
  const crowd = await crowdOf(place, names, CROWD.clients);
  const followed = crowd.slice(0, CROWD.followers);
  const followers = followAll(place.url, followed);
  begun.push(() => Promise.all(followers.map((follower) => follower.stop())));
  const watch = watchPods(names.namespace);
  begun.push(watch.stop);
  const from = Date.now();
  const load = begin({ url: place.url, tokens: tokensOf(crowd), bookIds, perSecond: CROWD.perSecond });
  const progress = setInterval(() => say(progressOf(load)), 10_000);
  begun.push(() => clearInterval(progress));

  await sleep(10_000);
  const { code, stderr, tookMs } = await release.upgrade(wish, '--wait', '--timeout', '5m');
  measured(step, 'helm upgrade --wait', code ? stderr : seconds(tookMs));
  await sleep(Math.max(20_000, from + forMs - Date.now())); // the last old pods leave after helm is done
  const report = await stopAndTell(step, load);
  clearInterval(progress);

  const quietFrom = Date.now();
  await whenQuiet(place);
  measured(step, 'all requests decided after', seconds(Date.now() - quietFrom));
  const following = await judge(place, followed, followers);
  const { changes, reconnects, wrong } = following;
  measured(
    step,
    'live subscriptions',
    `${followed.length}, ${changes} changes, resumed ${reconnects} times, ${wrong.length} wrong`,
  );
  for (const sentence of wrong.slice(0, 5)) say(sentence);
  const lent = Object.values(await lentOf(place, bookIds));
  measured(step, `most lent of a title with ${COPIES} copies`, Math.max(...lent));
  expect(code).toBe(0);
  expect(Math.max(...lent)).toBeLessThanOrEqual(COPIES);
  return { report, following, old: before.map(({ template }) => template), together: togetherMs(watch.seen) };
}

/** Whom the ConfigMap names. */
const superuserNow = () =>
  kubectl('get', 'configmap', 'superuser', '-n', names.namespace, '-o', 'jsonpath={.data.SUPERUSER}');

const progressOf = (load: Load): string => {
  const { sent, answers, failed } = load.tally();
  return `${sent} sent, ${failed} failed, ${JSON.stringify(answers)}`;
};

async function stopAndTell(step: string, load: Load): Promise<LoadReport> {
  const report = await load.stop();
  const { sent, failed, answers, connections, p50Ms, p99Ms, longestMs } = report;
  measured(
    step,
    'requests',
    `${sent} sent over ${connections} connections, ${failed} failed; ${JSON.stringify(answers)}`,
  );
  measured(step, 'answered within', `p50 ${p50Ms} ms, p99 ${p99Ms} ms, longest ${longestMs} ms`);
  for (const [why, times] of reasonsOf(report)) measured(step, `failed ${times} times`, why);
  return report;
}

/** The commonest first, without what differs from one to the next. */
function reasonsOf({ failures }: LoadReport): [string, number][] {
  const times = new Map<string, number>();
  for (const { why } of failures) times.set(why, (times.get(why) ?? 0) + 1);
  return [...times].sort(([, one], [, other]) => other - one).slice(0, 5);
}

/** Resolves once it is being answered. */
async function lightLoad(): Promise<Load> {
  const bookIds = [await addBook(await staffOf(place.url, await superuserNow()), 10)];
  const crowd = await crowdOf(place, names, LIGHT.clients);
  const load = begin({ url: place.url, tokens: tokensOf(crowd), bookIds, perSecond: LIGHT.perSecond });
  await eventually(
    () => Object.keys(load.tally().answers),
    (answers) => answers.length > 0,
    MINUTE_MS,
  );
  return load;
}

async function serves(): Promise<boolean> {
  try {
    await clientOf(place.url).data('{ books(first: 1) { edges { node { id } } } }');
    return true;
  } catch {
    return false;
  }
}

const readyOf = async (component: string): Promise<number> =>
  (await podsOf(names.namespace)).filter((pod) => pod.component === component && pod.ready && !pod.leaving).length;

async function podNamed(name: string): Promise<Pod> {
  const pod = (await podsOf(names.namespace)).find((pod) => pod.name === name);
  if (!pod) throw new Error(`The pod ${name} is gone.`);
  return pod;
}

/** `1 at 0 s, 2 at 15 s …` */
const ladder = (counts: { at: number; ready: number }[], from: number): string =>
  counts
    .filter(({ ready }, n) => ready !== counts[n - 1]?.ready)
    .map(({ at, ready }) => `${ready} at ${Math.max(0, Math.round((at - from) / 1000))} s`)
    .join(', ');

function expectOneRentalForEachKey(step: string, { answered }: LoadReport): void {
  const rentalOf = new Map<string, string>();
  const twice = answered.filter(({ key, rentalId }) => {
    const before = rentalOf.get(key);
    rentalOf.set(key, rentalId);
    return before !== undefined && before !== rentalId;
  });
  const repeated = answered.length - rentalOf.size;
  measured(step, 'keys sent twice', `${repeated}, ${twice.length} of them with two rentals`);
  expect(repeated).toBeGreaterThan(0);
  expect(twice).toEqual([]);
}

async function expectAgreement(step: string): Promise<void> {
  const { agree, said } = await reconcile(place);
  measured(step, 'reconcile', said);
  expect(agree).toBe(true);
}

/** `sentence` is what the log of its pods must say. */
async function expectRolledBack(step: string, wish: Wish, timeout: string, sentence?: RegExp): Promise<void> {
  await release.stand(upgraded);
  const before = await whenAllReady(names.namespace);
  const load = await lightLoad();
  const saying = sentence && watchSaying(sentence);
  const { code, stderr, tookMs } = await release.upgrade(wish, '--atomic', '--timeout', timeout);
  measured(
    step,
    'helm upgrade --atomic',
    `${code ? 'failed' : 'done'} after ${seconds(tookMs)}: ${stderr.trim().split('\n').at(-1)}`,
  );
  const said = await saying?.();
  if (sentence) measured(step, 'the pods say', said ?? 'nothing');
  const report = await stopAndTell(step, load);
  const after = await whenAllReady(names.namespace);

  expect(code).not.toBe(0);
  expect(report.sent).toBeGreaterThan(0);
  expect(report.failed).toBe(0);
  expect(new Set(after.map(({ template }) => template))).toEqual(new Set(before.map(({ template }) => template)));
  const untouched = before
    .filter((pod) => after.some(({ name }) => name === pod.name))
    .map(({ component }) => component);
  measured(step, 'pods that served through it all', untouched.join(', '));
  expect(untouched).toContain('book');
  if (sentence) expect(said).toMatch(sentence);
}

/** Looks into the logs of whatever pods there are meanwhile: those of a failed release are soon gone. Answers what was found. */
function watchSaying(sentence: RegExp): () => Promise<string | undefined> {
  let found: string | undefined;
  let over = false;
  const looking = (async () => {
    while (!over && !found) {
      const all = (await kubectl('get', 'pods', '-n', names.namespace, '-o', 'name')).trim().split('\n');
      for (const name of all) found ??= await sayingOf({ name: name.replace('pod/', '') }, sentence);
      await sleep(1000);
    }
  })();
  return async () => {
    over = true;
    await looking;
    return found;
  };
}

/** The first line of a pod's log with such a sentence. */
async function sayingOf(pod: Pick<Pod, 'name'>, sentence: RegExp): Promise<string | undefined> {
  const log = await place.logOf(pod).catch(() => '');
  return log.split('\n').find((line) => sentence.test(line));
}

/** Of all pods there are. */
async function sayings(namespace: string, sentence: RegExp): Promise<string[]> {
  const lines = await Promise.all((await podsOf(namespace)).map((pod) => sayingOf(pod, sentence)));
  return lines.filter((line) => line !== undefined);
}

/** Answers how long all of it took since then. */
async function during(outage: Outage, forMs: number): Promise<() => number> {
  await outage.stop();
  await sleep(forMs);
  await outage.start();
  const from = Date.now();
  return () => Date.now() - from;
}

/** What no namespace has from its beginning, and no other object brings. */
async function objectsIn(namespace: string): Promise<string[]> {
  const { stdout } = await runProgram('kubectl', ['api-resources', '--namespaced', '--verbs=list', '-o', 'name']);
  const kinds = stdout
    .trim()
    .split('\n')
    .filter((kind) => !/^events|metrics\.k8s\.io$/.test(kind));
  const listed = await kubectl('get', kinds.join(), '-n', namespace, '-o', 'name');
  return listed
    .split('\n')
    .filter(Boolean)
    .map((name) => name.replace(/^(\w+)\.[^/]*/, '$1'))
    .sort();
}

/** Kinds of the Prometheus operator and the Gateway API, as far as the API server has to know them to let objects of them in. */
const OPERATOR_KINDS = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    ['monitoring.coreos.com', 'v1', 'ServiceMonitor', 'servicemonitors'],
    ['monitoring.coreos.com', 'v1', 'PrometheusRule', 'prometheusrules'],
    ['gateway.networking.k8s.io', 'v1', 'HTTPRoute', 'httproutes'],
  ].map(([group, version, kind = '', plural]) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      annotations: { 'api-approved.kubernetes.io': 'unapproved, for a dry run' },
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  })),
});
