/** The courier's webhook: every scan is reported to the shop, in order within a parcel, again and again until it is taken. */
import { createHmac } from 'node:crypto';
import { type EntityManager, query } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';
import { retryDelayMs } from '#platform/rounds.ts';
import { Parcel, Scan } from './entities.ts';

/** Parcels reported at once. */
const AT_ONCE = 32;
const TIMEOUT_MS = 3000;
/** Whoever has not taken a scan after an hour may still ask for it. */
const GIVE_UP_MS = 3_600_000;

export interface Reporting {
  em: EntityManager;
  url: string;
  secret: string;
  log: Log;
}

interface Due {
  trackingNumber: string;
  /** Failed ones in a row. */
  attempts: number;
}

/** As the shop sees a scan, here and when it asks. */
export const scanObject = ({ id, status, note, occurredAt }: Scan) => ({ id, status, note, occurredAt });

/** One round: reports what is due. Answers how many parcels there were. */
export async function reportScans(reporting: Reporting): Promise<number> {
  const em = reporting.em.fork();
  const due = await query<Due>(
    em,
    `SELECT tracking_number AS "trackingNumber", report_attempts AS attempts FROM parcel
     WHERE tracking_number IN (SELECT tracking_number FROM scan WHERE to_report) AND report_after <= $1
     ORDER BY report_after LIMIT $2`,
    [new Date(), AT_ONCE],
  );
  const trackingNumbers = due.map(({ trackingNumber }) => trackingNumber);
  const scans = await em.find(
    Scan,
    { trackingNumber: { $in: trackingNumbers }, toReport: true },
    { orderBy: { number: 'asc' } },
  );
  const byParcel = Map.groupBy(scans, ({ trackingNumber }) => trackingNumber);
  const settled = await Promise.all(
    due.map((parcel) => report(reporting, parcel, byParcel.get(parcel.trackingNumber) ?? [])),
  );
  await settle(em, settled.flat());
  return due.length;
}

/** The scans that need not be reported any more. */
async function report(reporting: Reporting, parcel: Due, scans: Scan[]): Promise<Scan[]> {
  const { trackingNumber } = parcel;
  const [oldest] = scans;
  if (!oldest || (await post(reporting, { trackingNumber, scans: scans.map(scanObject) }))) return scans;
  if (Date.now() - oldest.occurredAt.getTime() < GIVE_UP_MS) {
    await comeBack(reporting.em.fork(), parcel);
    return [];
  }
  reporting.log.warn(
    { trackingNumber },
    'the scans of a parcel were not taken for an hour; they are no longer reported',
  );
  return scans;
}

/** Whether the shop took it; an outage there is what the next attempt is for. */
async function post({ url, secret, log }: Reporting, report: { trackingNumber: string; scans: object[] }) {
  const body = JSON.stringify(report);
  try {
    const { ok, status } = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'carrier-signature': signature(secret, body, Date.now()) },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!ok) log.debug({ trackingNumber: report.trackingNumber, status }, 'the webhook refused a report');
    return ok;
  } catch (error) {
    log.debug({ trackingNumber: report.trackingNumber, err: error }, 'the webhook did not answer');
    return false;
  }
}

const signature = (secret: string, body: string, now: number): string =>
  `t=${now},v=${createHmac('sha256', secret).update(`${now}.${body}`).digest('hex')}`;

async function settle(em: EntityManager, scans: Scan[]): Promise<void> {
  if (!scans.length) return;
  await em.nativeUpdate(Scan, { id: { $in: scans.map(({ id }) => id) } }, { toReport: false });
  const trackingNumbers = [...new Set(scans.map(({ trackingNumber }) => trackingNumber))];
  await em.nativeUpdate(
    Parcel,
    { trackingNumber: { $in: trackingNumbers }, reportAttempts: { $gt: 0 } },
    { reportAttempts: 0 },
  );
}

/** A router that starts again is back within a few seconds. */
const MAX_PAUSE_MS = 8000;

async function comeBack(em: EntityManager, { trackingNumber, attempts }: Due): Promise<void> {
  const pauseMs = Math.min(MAX_PAUSE_MS, retryDelayMs(attempts));
  await em.nativeUpdate(
    Parcel,
    { trackingNumber },
    { reportAttempts: attempts + 1, reportAfter: new Date(Date.now() + pauseMs) },
  );
}
