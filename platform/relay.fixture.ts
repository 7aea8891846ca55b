/** A relay in a process of its own, which can be paused. */
import { run } from './process.ts';
import { startRelay } from './relay.ts';

await run('relay', ['DATABASE_URL', 'NATS_URL', 'NATS_REPLICAS'], async (config, log) => {
  const relay = startRelay({
    stream: 'CUSTOMER',
    databaseUrl: config.DATABASE_URL,
    natsUrl: config.NATS_URL,
    replicas: config.NATS_REPLICAS,
    log,
  });
  return { port: 0, stop: relay.stop };
});
