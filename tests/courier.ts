/** The sandbox courier as a process, for tests of what talks to it, and the wire between, which can fail as networks do. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { askDatabase } from './askDatabase.ts';
import { CARRIER_KEY, startSandbox } from './sandboxProcess.ts';
import { createDatabase } from './services.ts';

export interface Courier {
  /** For the adapter. */
  settings: { CARRIER_URL: string; CARRIER_KEY: string; CARRIER_TIMEOUT_MS: number };
  wire: Wire;
  /** What the courier itself has in its books, in the order of booking. */
  parcels(): Promise<{ key: string; status: string; stopKey: string | null; scans: string[] }[]>;
  stop(): Promise<void>;
}

/** `stepMs` lies between two scans of a parcel. */
export async function startCourier(stepMs: number, webhookUrl: string): Promise<Courier> {
  const databaseUrl = await createDatabase('courier');
  const sandbox = await startSandbox(databaseUrl, {
    SANDBOX_CARRIER_STEP_MS: String(stepMs),
    SANDBOX_CARRIER_WEBHOOK_URL: webhookUrl,
  });
  const wire = await layWire(sandbox.url);

  return {
    settings: { CARRIER_URL: wire.url, CARRIER_KEY, CARRIER_TIMEOUT_MS: 3000 },
    wire,
    parcels: () => parcelsIn(databaseUrl),
    async stop() {
      await wire.close();
      await sandbox.stop();
    },
  };
}

const parcelsIn = (databaseUrl: string) =>
  askDatabase<{ key: string; status: string; stopKey: string | null; scans: string[] }>(
    databaseUrl,
    `SELECT key, status, stop_key AS "stopKey",
       (SELECT array_agg(s.status ORDER BY number) FROM scan s WHERE s.tracking_number = p.tracking_number) AS scans
     FROM parcel p ORDER BY (SELECT min(occurred_at) FROM scan s WHERE s.tracking_number = p.tracking_number)`,
  );

interface Wire {
  url: string;
  /** What came along, as `POST /parcels <body>`. */
  asked: string[];
  /** `cut`: nothing arrives. `answerless`: it arrives and is done, but no answer comes back. */
  state: 'whole' | 'cut' | 'answerless';
  close(): Promise<void>;
}

async function layWire(target: string): Promise<Wire> {
  const server = createServer(async (request, response) => {
    if (wire.state === 'cut') return void request.socket.destroy();
    const { method = 'GET', url = '/', headers } = request;
    const body = await bodyOf(request);
    wire.asked.push(`${method} ${url} ${body}`.trim());
    const { authorization = '' } = headers;
    const answer = await fetch(target + url, { method, headers: { authorization }, body: body || null });
    const answered = await answer.text();
    if (wire.state === 'answerless') return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answered);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has one

  const wire: Wire = {
    url: `http://127.0.0.1:${port}`,
    asked: [],
    state: 'whole',
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return wire;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
