import { openDatabase } from '#platform/database.ts';
import { probeDatabase } from '#platform/health.ts';
import { listen } from '#platform/http.ts';
import { metricsRoute } from '#platform/metrics.ts';
import { run } from '#platform/process.ts';
import { startBank } from './bank.ts';
import { startCourier } from './courier.ts';
import { sandboxDatabase } from './database.ts';

const settings = [
  'HOST',
  'PORT',
  'DATABASE_URL',
  'DATABASE_POOL',
  'MIGRATE',
  'LINGER_MS',
  'METRICS_PORT',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'CARRIER_KEY',
  'CARRIER_WEBHOOK_SECRET',
  'SANDBOX_STRIPE_WEBHOOK_URL',
  'SANDBOX_PAYMENT_SLOTS',
  'SANDBOX_PAYMENT_DELAY_MS',
  'SANDBOX_CARRIER_STEP_MS',
  'SANDBOX_CARRIER_WEBHOOK_URL',
] as const;

await run('sandbox', settings, async (config, log) => {
  const orm = await openDatabase({
    url: config.DATABASE_URL,
    pool: config.DATABASE_POOL,
    ...sandboxDatabase,
    migrate: config.MIGRATE === 'on',
    log,
  });
  const database = probeDatabase(config.DATABASE_URL);
  const { SANDBOX_STRIPE_WEBHOOK_URL: url, STRIPE_WEBHOOK_SECRET: secret } = config;
  const bank = startBank({
    em: orm.em,
    secretKey: config.STRIPE_SECRET_KEY,
    slots: config.SANDBOX_PAYMENT_SLOTS,
    delayMs: config.SANDBOX_PAYMENT_DELAY_MS,
    webhook: url && secret ? { url, secret } : undefined,
    log,
  });
  const courier = startCourier({
    em: orm.em,
    key: config.CARRIER_KEY,
    stepMs: config.SANDBOX_CARRIER_STEP_MS,
    webhookUrl: config.SANDBOX_CARRIER_WEBHOOK_URL,
    webhookSecret: config.CARRIER_WEBHOOK_SECRET,
    log,
  });
  const http = await listen({
    host: config.HOST,
    port: config.PORT,
    log,
    routes: { '/v1/*': bank.handler, ...courier.routes, ...metricsRoute(config) },
    notReady: () => database.whyAway(),
    lingerMs: config.LINGER_MS,
  });

  return {
    port: http.port,
    async stop() {
      bank.hangUp();
      await http.close();
      await Promise.all([bank.stop(), courier.stop()]);
      await Promise.all([database.close(), orm.close()]);
    },
  };
});
