/**
 * The port to whoever carries the parcels, and its adapter to a carrier that speaks JSON over HTTP. What is asked with a
 * key may be asked again: one parcel, one stop. The carrier reports its scans to the webhook, and tells them when asked.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Address } from '#schema/requests.ts';

export interface NewParcel {
  /** Names the parcel for good; the same key always comes with the same other fields. */
  key: string;
  /** Ours, printed on the label: the delivery's id. */
  reference: string;
  direction: 'OUTBOUND' | 'RETURN';
  sender: string;
  recipient: string;
  /** The customer's end: where an OUTBOUND parcel goes, where a RETURN parcel is picked up. */
  address: Address;
}

const parcelSchema = z.object({
  trackingNumber: z.string().min(1),
  trackingUrl: z.url().nullable(),
  carrier: z.string().min(1),
  estimatedAt: z.coerce.date().nullable(),
});
type CarrierParcel = z.infer<typeof parcelSchema>;

const scanSchema = z.object({
  /** The carrier's own, unique: a scan that is reported twice keeps it. */
  id: z.string().min(1).max(100),
  status: z.enum([
    'CREATED',
    'PICKED_UP',
    'IN_TRANSIT',
    'OUT_FOR_DELIVERY',
    'DELIVERED',
    'FAILED',
    'STOPPED',
    'RETURNED_TO_SENDER',
    'LOST',
  ]),
  note: z.string().max(1000).nullable(),
  occurredAt: z.coerce.date(),
});
export type Scan = z.infer<typeof scanSchema>;

const reportSchema = z.object({ trackingNumber: z.string().min(1), scans: z.array(scanSchema).max(1000) });
/** Scans of one parcel, oldest first. */
export type CarrierReport = z.infer<typeof reportSchema>;

/** ACCEPTED: the parcel will come back, a STOPPED scan says when it has. TOO_LATE: it has arrived, or is lost. */
type StopResult = 'ACCEPTED' | 'TOO_LATE';

/** Every method throws CarrierUnavailable when there is no answer in time; what was asked may be done or not. */
export interface Carrier {
  createParcel(parcel: NewParcel): Promise<CarrierParcel>;
  stop(parcel: { key: string; trackingNumber: string }): Promise<StopResult>;
  /** All scans there are. */
  track(trackingNumber: string): Promise<CarrierReport>;
  /** Whether the carrier answers. */
  ping(): Promise<boolean>;
}

/** An outage, or a carrier with too much to do: ask again later, with the same key. */
export class CarrierUnavailable extends Error {
  override name = 'CarrierUnavailable';
}

/** The carrier says no to what was asked: repeating will not mend it, and nothing of it was done. */
export class CarrierRefused extends Error {
  override name = 'CarrierRefused';
}

interface CarrierSettings {
  CARRIER_URL: string;
  CARRIER_KEY: string;
  CARRIER_TIMEOUT_MS: number;
}

export function httpCarrier({ CARRIER_URL, CARRIER_KEY, CARRIER_TIMEOUT_MS }: CarrierSettings): Carrier {
  const base = CARRIER_URL.replace(/\/$/, '');

  /** The answer's status and JSON. @throws CarrierUnavailable */
  async function ask(method: 'GET' | 'POST', path: string, body?: object): Promise<{ status: number; body: unknown }> {
    try {
      const response = await fetch(base + path, {
        method,
        headers: { authorization: `Bearer ${CARRIER_KEY}`, 'content-type': 'application/json' },
        body: body ? JSON.stringify(body) : null,
        signal: AbortSignal.timeout(CARRIER_TIMEOUT_MS),
        redirect: 'error',
      });
      if (response.status >= 500 || response.status === 429) throw new Error(`It answered ${response.status}`);
      return { status: response.status, body: await response.json() };
    } catch (cause) {
      throw new CarrierUnavailable(`The carrier did not answer ${method} ${path}`, { cause });
    }
  }

  const parcelPath = (trackingNumber: string) => `/parcels/${encodeURIComponent(trackingNumber)}`;

  return {
    async createParcel(parcel) {
      const answer = await ask('POST', '/parcels', parcel);
      return read(parcelSchema, answer);
    },

    async stop({ key, trackingNumber }) {
      const answer = await ask('POST', `${parcelPath(trackingNumber)}/stop`, { key });
      if (answer.status === 409 && refusalSchema.safeParse(answer.body).data?.code === 'TOO_LATE') return 'TOO_LATE';
      read(z.object({}), answer);
      return 'ACCEPTED';
    },

    async track(trackingNumber) {
      const answer = await ask('GET', parcelPath(trackingNumber));
      return read(reportSchema, answer);
    },

    async ping() {
      try {
        await ask('GET', '/ping');
        return true;
      } catch {
        return false;
      }
    },
  };
}

const refusalSchema = z.object({ code: z.string() });

/** @throws when the carrier refused, or answered something else: a fault of ours or of theirs that repeating will not mend. */
function read<T>(schema: z.ZodType<T>, { status, body }: { status: number; body: unknown }): T {
  if (status >= 300) {
    const code = refusalSchema.safeParse(body).data?.code ?? 'no code';
    throw new CarrierRefused(`The carrier refused: ${status} ${code}`);
  }
  const answer = schema.safeParse(body);
  if (answer.success) return answer.data;
  throw new Error(`The carrier's answer is not understood: ${z.prettifyError(answer.error)}`);
}

/** A recorded call must not be of use for long, and clocks differ a little. */
const TOLERANCE_MS = 5 * 60_000;

export type WebhookResult = { ok: true; report: CarrierReport } | { ok: false; reason: string };

/**
 * What the carrier reports, if it was the carrier: `header` is `carrier-signature`, `t=<ms>,v=<hex HMAC-SHA256 of "t.body">`,
 * and `body` the bytes as they came. Repeats pass: a scan's id tells them apart.
 */
export function verifyCarrierWebhook(
  secret: string,
  header: string | undefined,
  body: string | Buffer,
  now: Date,
): WebhookResult {
  const [, time, signature] = /^t=(\d{1,15}),v=([0-9a-f]{64})$/.exec(header ?? '') ?? [];
  if (!time || !signature) return { ok: false, reason: 'There is no carrier-signature, or not of the form t=…,v=….' };

  const expected = createHmac('sha256', secret).update(`${time}.`).update(body).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex')))
    return { ok: false, reason: 'The signature is wrong.' };
  if (Math.abs(now.getTime() - Number(time)) > TOLERANCE_MS)
    return { ok: false, reason: 'The signature is too far from now.' };

  const report = reportSchema.safeParse(parseJson(body.toString()));
  if (!report.success) return { ok: false, reason: `The body is no report: ${z.prettifyError(report.error)}` };
  return { ok: true, report: report.data };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema's check says what is wrong
  }
}
