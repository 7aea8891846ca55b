/**
 * What every process tells Prometheus, on `/metrics`: how it is, and whatever its parts read anew at each scrape. A scrape is
 * answered in time whatever is away: what could not be read is left out.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Config } from './config.ts';
import type { Handler } from './http.ts';
import { version } from './version.ts';

/** Of this process. */
export const registry = new Registry();

const READ_WITHIN_MS = 1000;

/** Reads something anew. What it rejects with is no answer; it clears then what it has told before. */
type Reading = () => Promise<void>;
const readings = new Set<Reading>();

/** Reads it at each scrape from now on. A reading that is still under way is waited for, not begun again. */
export function readAtScrapes(reading: Reading): void {
  let underWay: Promise<void> | undefined;
  readings.add(() => {
    underWay ??= reading().finally(() => {
      underWay = undefined;
    });
    return underWay;
  });
}

/** A gauge of this process, the one of this name if there is one. */
export function gauge<L extends string = never>(name: string, help: string, labelNames: L[] = []): Gauge<L> {
  const known = registry.getSingleMetric(name) as Gauge<L> | undefined; // a name stands for one kind of metric
  return known ?? new Gauge({ name, help, labelNames, registers: [registry] });
}

/** Tells nothing by this gauge any more; prom-client's `reset` would tell 0. */
export function forget(gauge: Gauge<string>): void {
  gauge.reset();
  gauge.remove({});
}

/** What holds of every process. */
export function tellProcess(service: string): void {
  collectDefaultMetrics({ register: registry });
  gauge('rentabook_build_info', 'What is running', ['version', 'service']).set({ version, service }, 1);
}

async function scrape(): Promise<string> {
  const inTime = new Promise<void>((resolve) => setTimeout(resolve, READ_WITHIN_MS).unref());
  await Promise.race([Promise.allSettled([...readings].map((read) => read())), inTime]);
  return registry.metrics();
}

const answer: Handler = async (_, response) => {
  const metrics = await scrape();
  response.writeHead(200, { 'content-type': registry.contentType });
  response.end(metrics);
};

/** For the process's own port; nothing where /metrics has a port to itself. */
export const metricsRoute = ({
  METRICS_PORT,
}: Pick<Config<'METRICS_PORT'>, 'METRICS_PORT'>): Record<string, Handler> =>
  METRICS_PORT === undefined ? { '/metrics': answer } : {};

/** `/metrics` on a port to itself, where it has one: until the process ends, so that its drain is seen too. */
export async function listenForMetrics({ HOST, METRICS_PORT }: Config<'HOST' | 'METRICS_PORT'>): Promise<void> {
  if (METRICS_PORT === undefined) return;
  const server = createServer((request, response) => {
    if (request.url?.split('?', 1)[0] !== '/metrics') return void response.writeHead(404).end();
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(METRICS_PORT, HOST);
  await once(server, 'listening');
}
