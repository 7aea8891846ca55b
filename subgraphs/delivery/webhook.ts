/**
 * Where the carrier reports its scans: POST /webhooks/carrier, passed on by the router and signed by the carrier itself. A
 * report is stored whatever it is about; it may overtake the answer that brings us the tracking number.
 */
import { type EntityManager, query } from '#platform/database.ts';
import { type Handler, readBody, text } from '#platform/http.ts';
import { type Share, sharedTransactions } from '#platform/microBatches.ts';
import { type CarrierReport, verifyCarrierWebhook } from './carrier.ts';
import { CHANGES, keepScans, lockDelivery, recordScans } from './parcels.ts';

/** A report of the longest life of a parcel has some 10 kB. */
const MAX_BODY_BYTES = 64_000;

/** Answers 2xx when the scans are stored, and applied if their parcel is known, in one transaction; with any other answer the carrier comes again. */
export function carrierWebhook(em: () => EntityManager, secret: string): Handler {
  const share = sharedTransactions(em, CHANGES);
  return async (request, response) => {
    if (request.method !== 'POST') return text(response, 405, 'Scans are reported by POST.');
    const body = await readBody(request, MAX_BODY_BYTES);
    const verified = verifyCarrierWebhook(secret, request.headers['carrier-signature']?.toString(), body, new Date());
    if (!verified.ok) return text(response, 400, verified.reason);
    await store(share, verified.report);
    // crash point: delivery, scans stored but not confirmed
    text(response, 200, 'Thank you.');
  };
}

const store = (share: Share, report: CarrierReport): Promise<void> =>
  share(report.trackingNumber, async (em) => {
    const delivery = await lockDelivery(em, { trackingNumber: report.trackingNumber });
    if (delivery) await recordScans(em, delivery, report.scans, new Date());
    else await keepScans(em, report, new Date());
  });

const AT_ONCE = 16;
/** A parcel is known within seconds of its making, or after an outage. What waits for longer is of no parcel of ours. */
const FORGOTTEN_AFTER_MS = 7 * 86_400_000;

/** One round: applies the scans that waited for their parcel, and forgets those of none. Answers how many parcels there were. */
export async function applyWaiting(em: () => EntityManager): Promise<number> {
  const now = new Date();
  // From an index that is all but empty; the tables are not looked at while nothing waits.
  const waiting = await query<{ trackingNumber: string }>(
    em(),
    'SELECT DISTINCT tracking_number AS "trackingNumber" FROM tracking_event WHERE tracking_number IS NOT NULL',
  );
  if (!waiting.length) return 0;
  const numbers = waiting.map(({ trackingNumber }) => trackingNumber);
  const known = await query<{ id: string }>(em(), 'SELECT id FROM delivery WHERE tracking_number = ANY($1) LIMIT $2', [
    numbers,
    AT_ONCE,
  ]);
  const share = sharedTransactions(em, CHANGES);
  await Promise.all(
    known.map(({ id }) =>
      share(id, async (em) => {
        const delivery = await lockDelivery(em, { id });
        if (delivery) await recordScans(em, delivery, [], now);
      }),
    ),
  );
  await query(em(), 'DELETE FROM tracking_event WHERE tracking_number = ANY($1) AND received_at < $2', [
    numbers,
    new Date(now.getTime() - FORGOTTEN_AFTER_MS),
  ]);
  return known.length;
}
