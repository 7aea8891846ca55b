/** Where the carrier reports its scans: POST /webhooks/carrier, passed on by the router and signed by the carrier itself. */
import type { EntityManager } from '#platform/database.ts';
import { type Handler, readBody, text } from '#platform/http.ts';
import { type Share, sharedTransactions } from '#platform/microBatches.ts';
import { type CarrierReport, verifyCarrierWebhook } from './carrier.ts';
import { CHANGES, lockDelivery, recordScans } from './parcels.ts';

/** A report of the longest life of a parcel has some 10 kB. */
const MAX_BODY_BYTES = 64_000;

/** Answers 2xx when the scans are stored and applied, in one transaction; with any other answer the carrier comes again. */
export function carrierWebhook(em: () => EntityManager, secret: string): Handler {
  const share = sharedTransactions(em, CHANGES);
  return async (request, response) => {
    if (request.method !== 'POST') return text(response, 405, 'Scans are reported by POST.');
    const body = await readBody(request, MAX_BODY_BYTES);
    const verified = verifyCarrierWebhook(secret, request.headers['carrier-signature']?.toString(), body, new Date());
    if (!verified.ok) return text(response, 400, verified.reason);
    // It may overtake the answer that brings us the tracking number.
    if (!(await store(share, verified.report))) return text(response, 404, 'There is no such parcel yet.');
    // crash point: delivery, scans stored but not confirmed
    text(response, 200, 'Thank you.');
  };
}

const store = (share: Share, { trackingNumber, scans }: CarrierReport): Promise<boolean> =>
  share(trackingNumber, async (em) => {
    const delivery = await lockDelivery(em, { trackingNumber });
    if (delivery) await recordScans(em, delivery, scans, new Date());
    return delivery !== null;
  });
