/** The life of every process: read the settings, start, say so, run, drain, go. A main.ts is one call of `run`. */
import { type Config, ConfigError, readConfig, type Setting } from './config.ts';
import { createLog, type Log } from './log.ts';
import { listenForMetrics, tellProcess } from './metrics.ts';
import { startTracing, type Tracing } from './telemetry.ts';
import { tidyAfterStart } from './tidy.ts';

/** What has been started. */
export interface Started {
  port: number;
  stop(): Promise<void>;
}

/** A drain that takes longer, beside the time to linger, is cut off. */
const DRAIN_MS = 8000;

/**
 * Starts a service with the settings it names and stops it on SIGTERM, SIGINT or when its supervisor is gone. A start that
 * fails ends the process with one line in the log and exit code 1.
 */
export async function run<N extends Setting>(
  service: string,
  settings: readonly N[],
  start: (config: Config<N>, log: Log) => Promise<Started>,
): Promise<void> {
  let log = createLog(service, 'info');
  try {
    const { LOG_LEVEL, LINGER_MS, ...place } = readConfig(['LOG_LEVEL', 'LINGER_MS', 'HOST', 'METRICS_PORT']);
    log = createLog(service, LOG_LEVEL);
    tellProcess(service);
    const tracing = await startTracing(service, log);
    process.on('unhandledRejection', (error) =>
      log.error({ err: error }, 'a promise was rejected and nobody listened'),
    );
    let started: Started | undefined;
    stopWhenTold(() => started, { withinMs: LINGER_MS + DRAIN_MS, tracing, log });
    await listenForMetrics(place);
    started = await start(readConfig(settings), log);
    tidyAfterStart();
    process.send?.({ ready: true, port: started.port });
    log.info({ port: started.port }, 'ready');
  } catch (error) {
    if (error instanceof ConfigError) log.fatal(error.message);
    else log.fatal({ err: error }, 'could not start');
    process.exit(1);
  }
}

/** One that still starts has promised nothing: it goes at once. */
function stopWhenTold(
  started: () => Started | undefined,
  { withinMs, tracing, log }: { withinMs: number; tracing: Tracing; log: Log },
): void {
  let stopping = false;
  const stop = async (reason: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'draining');
    setTimeout(() => process.exit(1), withinMs).unref();
    await started()
      ?.stop()
      .catch((error: unknown) => {
        log.error({ err: error }, 'the drain failed');
        process.exitCode = 1;
      });
    await tracing.stop();
    process.exit();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
  process.on('disconnect', () => void stop('the supervisor is gone'));
}
