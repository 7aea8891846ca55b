/** The sandbox as a process of its own, for tests of what speaks to it. */
import { freePort } from '../local/ports.ts';
import type { Running } from '../local/running.ts';
import { type Environment, launchService } from '../local/services.ts';

export const STRIPE_SECRET_KEY = 'sk_test_sandbox';
export const CARRIER_KEY = 'the key of the shop at the courier';
export const CARRIER_WEBHOOK_SECRET = 'the secret between the courier and the shop';

export interface SandboxProcess extends Running {
  url: string;
}

export async function startSandbox(databaseUrl: string, settings: Environment = {}): Promise<SandboxProcess> {
  const port = settings.PORT ?? String(await freePort()); // one that was stopped comes back where it was
  const running = launchService('sandbox', {
    environment: {
      PORT: port,
      LOG_LEVEL: 'error',
      DATABASE_URL: databaseUrl,
      STRIPE_SECRET_KEY,
      CARRIER_KEY,
      CARRIER_WEBHOOK_SECRET,
      SANDBOX_CARRIER_WEBHOOK_URL: 'http://127.0.0.1:9/nobody-listens',
      ...settings,
    },
    onLine: (line) => process.stderr.write(`${line}\n`),
  });
  await running.ready;
  return { ...running, url: `http://127.0.0.1:${port}` };
}
