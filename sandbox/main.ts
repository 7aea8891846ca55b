import { openDatabase } from '#platform/database.ts';
import { listen } from '#platform/http.ts';
import { run } from '#platform/process.ts';
import { startBank } from './bank.ts';
import { startCourier } from './courier.ts';
import { BankEvent, IdempotencyKey, Intent, Parcel, Refund, Scan } from './entities.ts';
import { CreateBank } from './migrations/0001_bank.ts';
import { CreateCourier } from './migrations/0002_courier.ts';
import { Forgetting } from './migrations/0003_forgetting.ts';
import { CreateBankEvents } from './migrations/0004_bank_events.ts';

const settings = [
  'HOST',
  'PORT',
  'DATABASE_URL',
  'DATABASE_POOL',
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
    entities: [Intent, Refund, IdempotencyKey, BankEvent, Parcel, Scan],
    migrations: [
      { name: 'sandbox_0001_bank', class: CreateBank },
      { name: 'sandbox_0002_courier', class: CreateCourier },
      { name: 'sandbox_0003_forgetting', class: Forgetting },
      { name: 'sandbox_0004_bank_events', class: CreateBankEvents },
    ],
    log,
  });
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
    routes: { '/v1/*': bank.handler, ...courier.routes },
    notReady: async () => ((await orm.isConnected()) ? null : 'the database cannot be reached'),
  });

  return {
    port: http.port,
    async stop() {
      bank.hangUp();
      await http.close();
      await Promise.all([bank.stop(), courier.stop()]);
      await orm.close();
    },
  };
});
