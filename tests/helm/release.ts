/** The release that is tried: what it is to be like, and the helm commands that make it so. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, helm, kubectl } from './cluster.ts';
import type { Names, Place } from './place.ts';
import type { Version } from './versions.ts';

export interface Wish {
  version: Version;
  /** Who has ADMIN. */
  superuser: string;
  /** Of the sandbox; parcels stay where they are unless it is given. */
  courierStepMs?: number;
  /** Over all others. */
  values?: object;
}

const WAIT = ['--wait', '--timeout', '5m'];
const HOUR_MS = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'rentabook-values-'));
process.once('exit', () => rmSync(folder, { recursive: true })); // passwords stand in them

/** For one machine that runs all of it, and the load besides: no limit of one caller, and time for Book to answer. */
const forOneMachine = {
  config: { RENTABOOK_LIMITS: 'off', BOOK_TIMEOUT_MS: 3000 },
  services: { rental: { autoscaling: { enabled: false } } },
};

export interface Release {
  /** Resolves when the release is as wished; @throws with what helm said. */
  stand(wish: Wish): Promise<void>;
  /** Tries to make it so. */
  upgrade(wish: Wish, ...flags: string[]): Promise<Ended>;
  uninstall(): Promise<Ended>;
}

/** One for each namespace. */
export function releaseIn({ namespace, release }: Names, place: Pick<Place, 'chart' | 'values'>): Release {
  let standing = '';

  async function upgrade(wish: Wish, ...flags: string[]): Promise<Ended> {
    standing = '';
    const placed = place.values(wish.version, wish.courierStepMs ?? HOUR_MS);
    const file = valuesFile(merged(forOneMachine, placed, superuserOf(wish), wish.values ?? {}));
    return helm('upgrade', '--install', release, place.chart(wish.version), '-n', namespace, '-f', file, ...flags);
  }

  return {
    upgrade,
    async stand(wish) {
      if (standing === JSON.stringify(wish)) return;
      const { code, stderr } = await upgrade(wish, ...WAIT);
      if (code) throw new Error(`helm could not install the version "${wish.version}": ${stderr}`);
      standing = JSON.stringify(wish);
    },
    uninstall: () => helm('uninstall', release, '-n', namespace, ...WAIT),
  };
}

const superuserOf = ({ superuser }: Wish) => ({ superuser: { names: [superuser] } });

export async function makeNamespace(name: string): Promise<void> {
  await kubectl('delete', 'namespace', name, '--ignore-not-found', '--timeout=120s');
  await kubectl('create', 'namespace', name);
  const levels = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
  await kubectl('label', 'namespace', name, ...levels);
}

function valuesFile(values: object): string {
  const file = join(folder, `${randomUUID()}.json`);
  writeFileSync(file, JSON.stringify(values), { mode: 0o600 });
  return file;
}

type Values = Record<string, unknown>;
const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As helm lays values files over one another. */
function merged(...all: object[]): Values {
  const result: Values = {};
  for (const values of all)
    for (const [key, value] of Object.entries(values)) {
      const before = result[key];
      result[key] = isObject(before) && isObject(value) ? merged(before, value) : value;
    }
  return result;
}
