/**
 * For a cluster whose pods are processes: the folder in which it starts them. What an image tag is elsewhere is a variable of
 * the pod here: the `node` of that folder is a script that enters the version's tree first, and keeps what the process says.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { allVersions, type Version, writeVersion } from './versions.ts';

/** Names the version in a pod's environment. */
export const VERSION_VARIABLE = 'RENTABOOK_POD_VERSION';

export interface PodFolder {
  /** Of the version, its chart included. */
  tree(version: Version): string;
  /** All that the process of a pod has written, over its restarts. */
  logOf(pod: string): string;
  /** Of the processes that run in the pod. */
  pidOf(pod: string): number;
}

export function preparePodFolder(folder: string): PodFolder {
  const tree = (version: Version) => join(folder, 'versions', version);
  const logs = join(folder, 'logs');
  const bin = join(folder, 'node_modules', '.bin');
  for (const path of [join(folder, 'versions'), logs]) rmSync(path, { recursive: true, force: true });
  for (const path of [logs, bin]) mkdirSync(path, { recursive: true });
  for (const version of allVersions) writeVersion(version, tree(version));
  const node = realpathSync(process.execPath);
  const script = `#!/bin/sh
export NODE_COMPILE_CACHE="${join(folder, 'cache')}"
cd "${join(folder, 'versions')}/\${${VERSION_VARIABLE}:-this}" && exec "${node}" "$@" >> "${logs}/$HOSTNAME.log" 2>&1
`;
  writeFileSync(join(bin, 'node'), script);
  chmodSync(join(bin, 'node'), 0o755);

  return {
    tree,
    logOf(pod) {
      const file = join(logs, `${pod}.log`);
      return existsSync(file) ? readFileSync(file, 'utf8') : '';
    },
    pidOf(pod) {
      const pid = readdirSync('/proc').find((entry) => /^\d+$/.test(entry) && isOf(pod, entry));
      if (!pid) throw new Error(`No process of this machine runs in the pod ${pod}.`);
      return Number(pid);
    },
  };
}

function isOf(pod: string, pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`HOSTNAME=${pod}`);
  } catch {
    return false; // it has just ended
  }
}
