/** The courier: takes parcels on and tells where they are over HTTP; moves them and reports their scans by itself. */
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { EntityManager } from '#platform/database.ts';
import { BadRequest, type Handler, json, pathOf, readBody, text } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import { sharedTransactions } from '#platform/microBatches.ts';
import { startRounds } from '#platform/rounds.ts';
import { hasBearer } from './bearer.ts';
import type { Parcel } from './entities.ts';
import { bookingSchema, bookParcel, CourierRefusal, findParcel, moveParcels, stopParcel } from './parcels.ts';
import { reportScans, scanObject } from './reports.ts';

const MAX_BODY_BYTES = 64_000;

export interface CourierOptions {
  em: EntityManager;
  /** Bearer token of the shop. */
  key: string;
  /** Between two scans of a parcel. */
  stepMs: number;
  webhookUrl: string;
  webhookSecret: string;
  log: Log;
}

export interface Courier {
  routes: Record<string, Handler>;
  stop(): Promise<void>;
}

export function startCourier({ em, key, stepMs, webhookUrl, webhookSecret, log }: CourierOptions): Courier {
  const share = sharedTransactions(() => em, { size: 32, inFlight: 1, gatherMs: 5 });
  const moving = startRounds('moving parcels', () => moveParcels(em, stepMs), log);
  const reporting = { em, url: webhookUrl, secret: webhookSecret, log };
  const reports = startRounds('reporting scans', () => reportScans(reporting), log);

  /** For the shop alone. */
  const forShop =
    (answer: (request: IncomingMessage) => Promise<object>): Handler =>
    async (request, response) => {
      if (!hasBearer(request, key)) return json(response, 401, { code: 'UNAUTHORIZED', message: 'Who are you?' });
      try {
        json(response, 200, await answer(request));
      } catch (error) {
        if (!(error instanceof CourierRefusal)) throw error;
        json(response, error.status, { code: error.code, message: error.message });
      }
    };

  return {
    routes: {
      '/ping': forShop(async () => ({})),

      '/parcels': forShop(async (request) => {
        allow(request, 'POST');
        const booking = await readJson(bookingSchema, request);
        return parcelObject(await bookParcel(share, booking, `http://${request.headers.host}`, stepMs));
      }),

      '/parcels/*': forShop(async (request) => {
        const [, , trackingNumber = '', verb] = pathOf(request).split('/');
        if (verb === 'stop') {
          allow(request, 'POST');
          const { key } = await readJson(stopSchema, request);
          return parcelObject(await stopParcel(em, trackingNumber, key, stepMs));
        }
        allow(request, 'GET');
        const { parcel, scans } = await findParcel(em.fork(), trackingNumber);
        return { ...parcelObject(parcel), scans: scans.map(scanObject) };
      }),

      /** The page behind `trackingUrl`, for anybody who has it: where the parcel is, not whose it is. */
      '/track/*': async (request, response) => {
        const { scans } = await findParcel(em.fork(), pathOf(request).split('/')[2] ?? '').catch(notFound);
        text(response, 200, scans.map(({ occurredAt, note }) => `${occurredAt.toISOString()}  ${note}`).join('\n'));
      },
    },

    async stop() {
      await Promise.all([moving.stop(), reports.stop()]);
    },
  };
}

const stopSchema = z.strictObject({ key: z.string().min(1).max(200) });

const parcelObject = ({ trackingNumber, trackingUrl, estimatedAt, status }: Parcel) => ({
  carrier: 'Sandbox Courier',
  trackingNumber,
  trackingUrl,
  estimatedAt,
  status,
});

function allow({ method = '' }: IncomingMessage, allowed: string): void {
  if (method !== allowed) throw new CourierRefusal(405, 'METHOD_NOT_ALLOWED', `This takes ${allowed}.`);
}

async function readJson<T>(schema: z.ZodType<T>, request: IncomingMessage): Promise<T> {
  const body = (await readBody(request, MAX_BODY_BYTES)).toString();
  const result = schema.safeParse(parseJson(body));
  if (result.success) return result.data;
  throw new CourierRefusal(400, 'INVALID', z.prettifyError(result.error));
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // the schema's check says that something is missing
  }
}

function notFound(error: unknown): never {
  throw error instanceof CourierRefusal ? new BadRequest(error.status, error.message) : error;
}
