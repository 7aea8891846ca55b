/**
 * Loaded before a service's own code (`node --import`), by this suite alone. It turns each comment `// crash point: …` of the
 * source into a place where the process may die, plants a bug where one is wanted, and can set the process's clock back.
 */
import { openSync, writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { moveClock } from '../movedClock.ts';
import { diceOf } from './dice.ts';
import { type PlantName, planted, withCrashPoints } from './plants.ts';

/** What the harness gives in the variable CHAOS, as JSON. */
export interface HookSettings {
  seed: number;
  /** Name of the process, for the list of crashes. */
  name: string;
  /** Of this process, when it passes its crash points all the time. */
  crashesPerMinute: number;
  /** Gets a line for each crash: `<process>\t<crash point>`. */
  crashFile: string;
  plant: PlantName | null;
}

/** What the harness may send later. */
export interface Order {
  clockBackMs?: number;
  crashesPerMinute?: number;
}

const ROOT = dirname(dirname(import.meta.dirname));
const settings = JSON.parse(process.env.CHAOS ?? '') as HookSettings;
const dice = diceOf(settings.seed);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.startsWith('file:') || loaded.format !== 'module-typescript' || !loaded.source) return loaded;
    const file = relative(ROOT, fileURLToPath(url)).replaceAll('\\', '/');
    const source = Buffer.from(loaded.source as Uint8Array).toString(); // as Node reads files
    const changed = withCrashPoints(settings.plant ? planted(settings.plant, file, source) : source);
    return { ...loaded, source: changed };
  },
});

const crashFile = openSync(settings.crashFile, 'a');
const passedAt = new Map<string, number>();
let { crashesPerMinute } = settings;

/** So long after the last pass the risk is at its highest: a rare point then crashes every fourth time. */
const HIGHEST_RISK = 0.25;

/**
 * The risk is one in time and not for each pass, or the busiest points would be all that is ever tried: the longer a point
 * has not been passed, the likelier it is to crash. The points of a process share its risk, or the one with the most of them
 * would never come to work.
 */
function crashPoint(name: string): void {
  const now = performance.now();
  const sinceMs = now - (passedAt.get(name) ?? 0);
  passedAt.set(name, now);
  const due = (crashesPerMinute * sinceMs) / 60_000 / passedAt.size;
  if (!dice.chance(Math.min(HIGHEST_RISK, due))) return;
  writeSync(crashFile, `${settings.name}\t${name}\n`);
  process.kill(process.pid, 'SIGKILL');
}

let clockBackMs = 0;
moveClock(() => -clockBackMs);
Object.assign(globalThis, { crashPoint });

process.on('message', (order: Order) => {
  clockBackMs = order.clockBackMs ?? clockBackMs;
  crashesPerMinute = order.crashesPerMinute ?? crashesPerMinute;
});
