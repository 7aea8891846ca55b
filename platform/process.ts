/** The life of every process: start, say so, run, drain, go. A main.ts is one call of `run`. */
import { ConfigError } from './config.ts';
import type { Log } from './log.ts';

/** What has been started, latest last; stopped in the opposite order. */
export interface Started {
  port: number;
  stop(): Promise<void>;
}

/** A drain that takes longer is cut off: Kubernetes would kill the pod at 30 s, `npm start` at 10 s. */
const DRAIN_MS = 8000;

/**
 * Starts the service and stops it on SIGTERM, SIGINT or when its supervisor is gone. A start that fails ends the process
 * with one sentence and exit code 1.
 */
export async function run(log: Log, start: () => Promise<Started>): Promise<void> {
  let stopping = false;
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise was rejected and nobody listened'));

  try {
    const started = await start();
    const stop = async (reason: string) => {
      if (stopping) return;
      stopping = true;
      log.info({ reason }, 'draining');
      setTimeout(() => process.exit(1), DRAIN_MS).unref();
      await started.stop().catch((error: unknown) => log.error({ err: error }, 'the drain failed'));
      process.exit(0);
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
    process.on('disconnect', () => void stop('the supervisor is gone'));
    process.send?.({ ready: true, port: started.port });
    log.info({ port: started.port }, 'ready');
  } catch (error) {
    if (error instanceof ConfigError) log.fatal(error.message);
    else log.fatal({ err: error }, 'could not start');
    process.exit(1);
  }
}
