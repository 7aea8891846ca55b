/** The courier over HTTP, asked as Delivery asks it, and its webhook as Delivery hears it. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { freePort } from '../local/ports.ts';
import {
  type Carrier,
  CarrierUnavailable,
  httpCarrier,
  type NewParcel,
  type Scan,
  verifyCarrierWebhook,
} from '../subgraphs/delivery/carrier.ts';
import { carrierContract, newParcel, type WebhookCall } from '../subgraphs/delivery/carrierContract.ts';
import { eventually } from '../tests/client.ts';
import { CARRIER_KEY, CARRIER_WEBHOOK_SECRET, type SandboxProcess, startSandbox } from '../tests/sandboxProcess.ts';
import { createDatabase } from '../tests/services.ts';

const JOURNEY = ['CREATED', 'PICKED_UP', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERED'];

const carrierAt = (url: string): Carrier => httpCarrier({ CARRIER_URL: url, CARRIER_KEY, CARRIER_TIMEOUT_MS: 10_000 });

const statuses = (scans: Scan[]) => scans.map(({ status }) => status);

const statusesOf = async (carrier: Carrier, trackingNumber: string) =>
  statuses((await carrier.track(trackingNumber)).scans);

/** The shop's end of the webhook. */
interface Receiver {
  url: string;
  /** What was taken, in the order it came. */
  scansOf(trackingNumber: string): Scan[];
  /** All calls, as they came. */
  calls: WebhookCall[];
  /** Calls that were refused. */
  refused: number;
  taking: boolean;
  close(): void;
}

const verify = ({ headers, body }: WebhookCall, now: Date) =>
  verifyCarrierWebhook(CARRIER_WEBHOOK_SECRET, headers['carrier-signature'], body, now);

async function startReceiver(): Promise<Receiver> {
  const taken: { trackingNumber: string; scans: Scan[] }[] = [];
  const server: Server = createServer(async (request, response) => {
    const body = await text(request);
    const call = { headers: { 'carrier-signature': request.headers['carrier-signature']?.toString() }, body };
    receiver.calls.push(call);
    const result = verify(call, new Date());
    const takes = result.ok && receiver.taking;
    if (takes) taken.push(result.report);
    else receiver.refused += 1;
    response.writeHead(takes ? 204 : 503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has one
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/webhooks/carrier`,
    scansOf: (number) => taken.filter(({ trackingNumber }) => trackingNumber === number).flatMap(({ scans }) => scans),
    calls: [],
    refused: 0,
    taking: true,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return receiver;
}

carrierContract('the sandbox, by carrier.ts', async () => {
  const receiver = await startReceiver();
  const sandbox = await startSandbox(await createDatabase(), {
    SANDBOX_CARRIER_STEP_MS: '800',
    SANDBOX_CARRIER_WEBHOOK_URL: receiver.url,
  });
  return {
    connect: (CARRIER_URL, key) => httpCarrier({ CARRIER_URL, CARRIER_KEY: key, CARRIER_TIMEOUT_MS: 10_000 }),
    url: sandbox.url,
    key: CARRIER_KEY,
    urlOfNobody: `http://127.0.0.1:${await freePort()}`,
    verify,
    calls: () => receiver.calls,
    until: eventually,
    async close() {
      await sandbox.stop();
      receiver.close();
    },
  };
});

describe('a courier in a hurry', () => {
  let receiver: Receiver;
  let sandbox: SandboxProcess;
  let carrier: Carrier;
  let databaseUrl: string;

  beforeAll(async () => {
    receiver = await startReceiver();
    databaseUrl = await createDatabase();
    sandbox = await startSandbox(databaseUrl, {
      SANDBOX_CARRIER_STEP_MS: '50',
      SANDBOX_CARRIER_WEBHOOK_URL: receiver.url,
    });
    carrier = carrierAt(sandbox.url);
  });
  afterAll(async () => {
    await sandbox?.stop();
    receiver?.close();
  });

  test.each(['OUTBOUND', 'RETURN'] as const)(
    'a parcel (%s) moves along by itself, and each scan is reported once',
    async (direction) => {
      const { trackingNumber } = await carrier.createParcel(newParcel({ direction }));

      await eventually(
        () => receiver.scansOf(trackingNumber),
        (scans) => scans.length >= JOURNEY.length,
      );

      const reported = receiver.scansOf(trackingNumber);
      expect(statuses(reported)).toEqual(JOURNEY);
      expect(await carrier.track(trackingNumber)).toEqual({ trackingNumber, scans: reported });
    },
  );

  test('of a parcel whose journey has ended it is forgotten whose it was, and its key is still its own', async () => {
    const parcel = newParcel();
    const { trackingNumber } = await carrier.createParcel(parcel);
    await eventually(
      () => receiver.scansOf(trackingNumber),
      (scans) => scans.length >= JOURNEY.length,
    );

    const database = new Client({ connectionString: databaseUrl });
    await database.connect();
    const { rows } = await database.query('SELECT t::text AS row FROM parcel t WHERE tracking_number = $1', [
      trackingNumber,
    ]);
    await database.end();
    expect(rows).toHaveLength(1);
    expect(rows[0].row).not.toMatch(/A Reader|Main Street/);
    expect((await carrier.createParcel(parcel)).trackingNumber).toBe(trackingNumber);
    await expect(carrier.createParcel({ ...parcel, recipient: 'Another' })).rejects.toThrow('409 KEY_REUSED');
  });

  test('a booking without a recipient is a fault', async () => {
    const { recipient: _, ...incomplete } = newParcel();

    await expect(carrier.createParcel(incomplete as NewParcel)).rejects.toThrow('400 INVALID');
  });

  test('what the webhook did not take is reported again, in order, until it does', async () => {
    receiver.taking = false;
    const before = receiver.refused;
    const { trackingNumber } = await carrier.createParcel(newParcel());
    await eventually(
      () => receiver.refused - before,
      (refused) => refused >= 3,
    );
    receiver.taking = true;

    await eventually(
      () => receiver.scansOf(trackingNumber),
      (scans) => scans.length >= JOURNEY.length,
    );

    expect(statuses(receiver.scansOf(trackingNumber))).toEqual(JOURNEY);
  });

  test('the tracking page tells anybody where the parcel is, not whose it is', async () => {
    const { trackingUrl } = await carrier.createParcel(newParcel());

    const page = await (await fetch(trackingUrl ?? '')).text();

    expect(page).toContain('The label is printed.');
    expect(page).not.toContain('Reader');
  });
});

describe('an address that asks for it', () => {
  let sandbox: SandboxProcess;
  let carrier: Carrier;
  beforeAll(async () => {
    sandbox = await startSandbox(await createDatabase(), { SANDBOX_CARRIER_STEP_MS: '50' });
    carrier = carrierAt(sandbox.url);
  });
  afterAll(() => sandbox?.stop());

  const to = (direction: 'OUTBOUND' | 'RETURN', line2: string) => {
    const parcel = newParcel({ direction });
    return carrier.createParcel({ ...parcel, address: { ...parcel.address, line2 } });
  };

  test('makes something befall the parcel, the RETURN one unless it says otherwise', async () => {
    const ways = [
      ['RETURN', 'sandbox: lost', 'CREATED PICKED_UP IN_TRANSIT LOST'],
      ['RETURN', 'sandbox: returned', 'CREATED PICKED_UP IN_TRANSIT OUT_FOR_DELIVERY FAILED RETURNED_TO_SENDER'],
      ['RETURN', 'sandbox: failed', 'CREATED PICKED_UP IN_TRANSIT OUT_FOR_DELIVERY FAILED'],
      ['OUTBOUND', 'Sandbox: outbound lost', 'CREATED PICKED_UP IN_TRANSIT LOST'],
      ['OUTBOUND', 'sandbox: lost', JOURNEY.join(' ')],
      ['RETURN', 'sandbox: outbound lost', JOURNEY.join(' ')],
      ['RETURN', 'sandbox: found', JOURNEY.join(' ')],
    ] as const;
    const parcels = await Promise.all(ways.map(([direction, line2]) => to(direction, line2)));

    const wayOf = async ({ trackingNumber }: { trackingNumber: string }) =>
      (await statusesOf(carrier, trackingNumber)).join(' ');
    await eventually(
      () => Promise.all(parcels.map(wayOf)),
      (seen) => seen.join() === ways.map(([, , way]) => way).join(),
    );
  });

  test('does not keep one that FAILED from being stopped; what is lost is lost', async () => {
    const [failed, lost] = [await to('RETURN', 'sandbox: failed'), await to('RETURN', 'sandbox: lost')];
    const reaches = ({ trackingNumber }: { trackingNumber: string }, status: string) =>
      eventually(
        () => statusesOf(carrier, trackingNumber),
        (seen) => seen.at(-1) === status,
      );
    await Promise.all([reaches(failed, 'FAILED'), reaches(lost, 'LOST')]);

    expect(await carrier.stop({ key: randomUUID(), trackingNumber: lost.trackingNumber })).toBe('TOO_LATE');
    expect(await carrier.stop({ key: randomUUID(), trackingNumber: failed.trackingNumber })).toBe('ACCEPTED');
    await reaches(failed, 'STOPPED');
  });
});

test('after a kill -9 every parcel goes on from where it was', async () => {
  const database = await createDatabase();
  const receiver = await startReceiver();
  const settings = { SANDBOX_CARRIER_STEP_MS: '500', SANDBOX_CARRIER_WEBHOOK_URL: receiver.url };
  const before = await startSandbox(database, settings);
  const { trackingNumber } = await carrierAt(before.url).createParcel(newParcel());

  before.kill();
  await before.ended;
  expect(await carrierAt(before.url).ping()).toBe(false);
  await expect(carrierAt(before.url).track(trackingNumber)).rejects.toThrow(CarrierUnavailable);

  const after = await startSandbox(database, settings);
  try {
    const carrier = carrierAt(after.url);
    expect(await carrier.ping()).toBe(true);
    await eventually(
      () => new Set(statuses(receiver.scansOf(trackingNumber))),
      (seen) => seen.has('DELIVERED'),
    );
    expect(await statusesOf(carrier, trackingNumber)).toEqual(JOURNEY);
    // A scan that was taken just before the kill may be reported twice; its id tells.
    expect(new Set(receiver.scansOf(trackingNumber).map(({ id }) => id)).size).toBe(JOURNEY.length);
  } finally {
    await after.stop();
    receiver.close();
  }
});
