/** Builds the page as `npm start` does, and sweeps up after runs that were killed. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { sweepFolders } from '../folders.ts';
import { SHOTS } from './browser.ts';

export default async function setUp(): Promise<void> {
  await sweepFolders();
  rmSync(SHOTS, { recursive: true, force: true });
  execFileSync(process.execPath, [join(import.meta.dirname, '..', '..', 'web', 'build.ts')], { stdio: 'inherit' });
}
