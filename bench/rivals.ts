/** Programs that run beside ours, each as a process of its own; npm installs them in `rivals/` on first use. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { say } from './table.ts';

const FOLDER = join(import.meta.dirname, 'rivals');

export const rivalNamed = (file: string): string => join(FOLDER, file);

export function rivalVersion(library: string): string {
  const { version } = JSON.parse(readFileSync(join(FOLDER, 'node_modules', library, 'package.json'), 'utf8'));
  return version;
}

export async function installRivals(): Promise<void> {
  // npm writes the first of them when everything that the second one names is in its place.
  const [installed, wanted] = [join(FOLDER, 'node_modules/.package-lock.json'), join(FOLDER, 'package-lock.json')];
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  say('Installing the rivals in bench/rivals (once)');
  await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', FOLDER]);
}
