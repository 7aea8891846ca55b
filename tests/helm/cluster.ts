/** The cluster that KUBECONFIG names, by kubectl and helm, as an operator works on it. */
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { eventually } from '../client.ts';

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
  tookMs: number;
}

/** Runs a program to its end, whatever that is. */
export function runProgram(program: string, args: string[], input = ''): Promise<Ended> {
  const from = performance.now();
  return new Promise((resolve) => {
    const child = execFile(program, args, { maxBuffer: 100_000_000 }, (error, stdout, stderr) => {
      const code = error ? (child.exitCode ?? -1) : 0;
      resolve({ code, stdout, stderr: stderr || (code === -1 ? String(error) : ''), tookMs: performance.now() - from });
    });
    child.stdin?.end(input);
  });
}

/** What it wrote. @throws when it fails */
async function must(program: string, args: string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args, input);
  if (code) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr || stdout}`);
  return stdout;
}

export const kubectl = (...args: string[]): Promise<string> => must('kubectl', args);
export const helm = (...args: string[]): Promise<Ended> => runProgram('helm', args);
export const apply = (manifests: string, ...args: string[]): Promise<Ended> =>
  runProgram('kubectl', ['apply', '-f', '-', ...args], manifests);

/** @throws one sentence with what to do when something is missing. */
export async function checkTools(): Promise<void> {
  for (const [program, args] of [
    ['kubectl', ['version', '--client']],
    ['helm', ['version', '--short']],
  ] as const)
    if ((await runProgram(program, [...args])).code)
      throw new Error(`There is no ${program} to be run: install it, or put its folder into PATH.`);
  const { code, stderr } = await runProgram('kubectl', ['get', 'namespaces', '--request-timeout=10s']);
  if (code)
    throw new Error(`No cluster answers: let KUBECONFIG name the configuration of one that does (${stderr.trim()}).`);
}

export interface Pod {
  name: string;
  component: string;
  /** Of the pod template that it is made from: another one for each version and each setting. */
  template: string;
  ready: boolean;
  restarts: number;
  leaving: boolean;
}

interface PodJson {
  metadata: { name: string; labels?: Record<string, string>; deletionTimestamp?: string };
  status: { containerStatuses?: { ready: boolean; restartCount: number }[]; phase: string };
}

/** Of Deployments alone. */
export async function podsOf(namespace: string): Promise<Pod[]> {
  const { items } = JSON.parse(await kubectl('get', 'pods', '-n', namespace, '-l', 'pod-template-hash', '-o', 'json'));
  return (items as PodJson[]).map(({ metadata, status }) => ({
    name: metadata.name,
    component: metadata.labels?.['app.kubernetes.io/component'] ?? '',
    template: metadata.labels?.['pod-template-hash'] ?? '',
    ready: status.containerStatuses?.every(({ ready }) => ready) ?? false,
    restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    leaving: metadata.deletionTimestamp !== undefined,
  }));
}

export const restartsIn = (pods: Pod[]): Record<string, number> =>
  Object.fromEntries(pods.filter(({ restarts }) => restarts).map(({ name, restarts }) => [name, restarts]));

/** Resolves when every pod is ready and none is leaving. */
export const whenAllReady = (namespace: string, withinMs = 120_000): Promise<Pod[]> =>
  eventually(
    () => podsOf(namespace),
    (pods) => pods.length > 0 && pods.every(({ ready, leaving }) => ready && !leaving),
    withinMs,
  );

export interface PodWatch {
  /** Every change, in the order in which the API server told of it. */
  seen: (Pod & { at: number })[];
  stop(): void;
}

const COLUMNS = [
  '.metadata.name',
  '.metadata.labels.app\\.kubernetes\\.io/component',
  '.metadata.labels.pod-template-hash',
  '.status.containerStatuses[0].ready',
  '.status.containerStatuses[0].restartCount',
  '.metadata.deletionTimestamp',
];

export function watchPods(namespace: string): PodWatch {
  const columns = COLUMNS.map((path, place) => `C${place}:${path}`).join(',');
  const args = ['get', 'pods', '-n', namespace, '-l', 'pod-template-hash', '--watch', '--no-headers'];
  const child = spawn('kubectl', [...args, '-o', `custom-columns=${columns}`], { stdio: ['ignore', 'pipe', 'ignore'] });
  const seen: PodWatch['seen'] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [name = '', component = '', template = '', ready, restarts, deleted] = line.split(/\s+/);
    const state = { ready: ready === 'true', restarts: Number(restarts) || 0, leaving: deleted !== '<none>' };
    seen.push({ at: Date.now(), name, component, template, ...state });
  });
  return { seen, stop: () => void child.kill() };
}

/** For each component, how long pods of more than one template were ready at once. */
export function togetherMs(seen: PodWatch['seen']): Record<string, number> {
  const together: Record<string, number> = {};
  const live = new Map<string, Pod>();
  let [before] = seen;
  for (const now of seen) {
    if (before)
      for (const component of new Set([...live.values()].map((pod) => pod.component))) {
        const templates = [...live.values()].filter((pod) => pod.component === component).map((pod) => pod.template);
        const ms = new Set(templates).size > 1 ? now.at - before.at : 0;
        together[component] = (together[component] ?? 0) + ms;
      }
    if (now.ready) live.set(now.name, now);
    else live.delete(now.name);
    before = now;
  }
  return together;
}

/** Most pods of a component that were ready at once, and when there were how many. */
export function countsOf(seen: PodWatch['seen'], component: string): { at: number; ready: number }[] {
  const ready = new Set<string>();
  return seen
    .filter((pod) => pod.component === component)
    .map((pod) => {
      if (pod.ready && !pod.leaving) ready.add(pod.name);
      else ready.delete(pod.name);
      return { at: pod.at, ready: ready.size };
    });
}
