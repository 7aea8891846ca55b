/**
 * What the port to a carrier promises (carrier.ts), as tests for jest: whoever writes an adapter runs them against that
 * carrier's test system, as sandbox/courier.test.ts does against the sandbox.
 */
import { randomUUID } from 'node:crypto';
import { type Carrier, type CarrierReport, CarrierUnavailable, type NewParcel, type WebhookResult } from './carrier.ts';

/** A call of the carrier's to the shop's webhook, as it came. */
export interface WebhookCall {
  /** By their names in lower case. */
  headers: Record<string, string | undefined>;
  body: string;
}

/** A carrier's test system, and the adapter to it. */
export interface AtCarrier {
  /** The adapter, to the carrier at this address; the key is the shop's. */
  connect(url: string, key: string): Carrier;
  url: string;
  key: string;
  /** An address like it where nobody answers. */
  urlOfNobody: string;
  verify(call: WebhookCall, now: Date): WebhookResult;
  /** What the webhook of the shop has heard up to now. */
  calls(): WebhookCall[];
  /** Looks again and again until it holds, for as long as a parcel takes there from the label to the door. */
  until<T>(look: () => Promise<T> | T, holds: (value: T) => boolean): Promise<T>;
  close(): Promise<void>;
}

/** A booking like those of Delivery. */
export const newParcel = (more: Partial<NewParcel> = {}): NewParcel => ({
  key: randomUUID(),
  reference: randomUUID(),
  direction: 'OUTBOUND',
  sender: 'Rentabook',
  recipient: 'A Reader',
  address: {
    name: 'A Reader',
    line1: '1 Main Street',
    line2: null,
    city: 'Seoul',
    postalCode: '04524',
    country: 'KR',
    phone: null,
  },
  ...more,
});

/** A carrier may leave out some of it, and tell some of it more than once. */
const JOURNEY = ['CREATED', 'PICKED_UP', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERED'];
const MINUTE_MS = 60_000;

/** `begin` is called once, before the first test. */
export function carrierContract(name: string, begin: () => Promise<AtCarrier>): void {
  describe(`the carrier's contract: ${name}`, () => {
    let at: AtCarrier;
    let carrier: Carrier;
    /** They set out together, since each takes its time: one for each direction, and one to be turned around. */
    let out: string;
    let back: string;
    let turned: string;

    beforeAll(async () => {
      at = await begin();
      carrier = at.connect(at.url, at.key);
      [out, back, turned] = await Promise.all([
        made(newParcel()),
        made(newParcel({ direction: 'RETURN', sender: 'A Reader', recipient: 'Rentabook' })),
        made(newParcel()),
      ]);
    });
    afterAll(() => at?.close());

    const made = async (parcel: NewParcel) => (await carrier.createParcel(parcel)).trackingNumber;
    const statusesOf = ({ scans }: CarrierReport): string[] => scans.map(({ status }) => status);
    const seenOf = async (trackingNumber: string) => statusesOf(await carrier.track(trackingNumber));
    const reaches = (trackingNumber: string, status: string) =>
      at.until(
        () => seenOf(trackingNumber),
        (seen) => seen.includes(status),
      );

    const hasArrived = (seen: string[]) => {
      expect([...new Set(seen)]).toEqual(JOURNEY.filter((status) => seen.includes(status)));
      expect(seen.at(-1)).toBe('DELIVERED');
    };

    test('a parcel that was picked up turns around when it is stopped, and STOPPED says that it is back', async () => {
      await reaches(turned, 'PICKED_UP');
      const stop = { key: randomUUID(), trackingNumber: turned };

      expect(await carrier.stop(stop)).toBe('ACCEPTED');
      expect(await carrier.stop(stop)).toBe('ACCEPTED');

      const seen = await reaches(turned, 'STOPPED');
      expect(seen.at(-1)).toBe('STOPPED');
      expect(seen).not.toContain('DELIVERED');
    });

    test('one key is one parcel, asked for again or several times at once', async () => {
      const parcel = newParcel();

      const [first, ...others] = await Promise.all([1, 2, 3].map(() => carrier.createParcel(parcel)));
      const again = await carrier.createParcel(parcel);

      for (const other of [...others, again]) expect(other).toEqual(first);
      expect(first).toMatchObject({ trackingNumber: expect.stringMatching(/./), carrier: expect.stringMatching(/./) });
      expect(await made(newParcel())).not.toBe(first?.trackingNumber);
    });

    test('before the pick-up a parcel is stopped at once, by one key however often, and does not move', async () => {
      const trackingNumber = await made(newParcel());
      const stop = { key: randomUUID(), trackingNumber };

      expect(await carrier.stop(stop)).toBe('ACCEPTED');
      expect(await carrier.stop(stop)).toBe('ACCEPTED');

      const seen = await seenOf(trackingNumber);
      expect(seen.at(-1)).toBe('STOPPED');
      expect(seen).not.toContain('PICKED_UP');
    });

    test('a parcel comes from the shop to the reader, and its scans are told oldest first', async () => {
      await reaches(out, 'DELIVERED');

      const { trackingNumber, scans } = await carrier.track(out);

      expect(trackingNumber).toBe(out);
      hasArrived(scans.map(({ status }) => status));
      const times = scans.map(({ occurredAt }) => occurredAt.getTime());
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(new Set(scans.map(({ id }) => id)).size).toBe(scans.length);
      expect((await carrier.track(out)).scans).toEqual(scans);
    });

    test('a RETURN parcel comes from the reader to the shop', async () => {
      hasArrived(await reaches(back, 'DELIVERED'));
    });

    test('one that has arrived cannot be stopped any more', async () => {
      for (const trackingNumber of [out, back]) {
        await reaches(trackingNumber, 'DELIVERED');

        expect(await carrier.stop({ key: randomUUID(), trackingNumber })).toBe('TOO_LATE');
        hasArrived(await seenOf(trackingNumber));
      }
    });

    test('each scan is reported to the webhook, signed, with the id and time that are told when asked', async () => {
      await reaches(out, 'DELIVERED');
      const { scans } = await carrier.track(out);
      const reported = () =>
        at.calls().flatMap((call) => {
          const verified = at.verify(call, new Date());
          if (!verified.ok) throw new Error(verified.reason);
          return verified.report.trackingNumber === out ? verified.report.scans : [];
        });

      await at.until(reported, (told) => scans.every(({ id }) => told.some((scan) => scan.id === id)));

      for (const scan of reported()) expect(scans).toContainEqual(scan);
    });

    test('what the carrier did not sign, or long ago, is refused', async () => {
      const [call] = await at.until(at.calls, (calls) => calls.length > 0);
      if (!call) throw new Error('The webhook heard nothing');
      const now = new Date();

      expect(at.verify(call, now)).toMatchObject({ ok: true });
      expect(at.verify({ ...call, body: `${call.body} ` }, now)).toMatchObject({ ok: false });
      expect(at.verify({ ...call, headers: {} }, now)).toMatchObject({ ok: false });
      expect(at.verify(call, new Date(now.getTime() + 10 * MINUTE_MS))).toMatchObject({ ok: false });
    });

    test('a parcel that nobody knows is a fault, and no outage: asking again would not help', async () => {
      const unknown = `${out}0`;
      const faults = await Promise.all([
        carrier.track(unknown).catch((error: unknown) => error),
        carrier.stop({ key: randomUUID(), trackingNumber: unknown }).catch((error: unknown) => error),
      ]);

      for (const fault of faults) {
        expect(fault).toBeInstanceOf(Error);
        expect(fault).not.toBeInstanceOf(CarrierUnavailable);
      }
    });

    test('whoever has another key learns nothing and does nothing: a fault, and no outage', async () => {
      const stranger = at.connect(at.url, 'a guess');
      const faults = await Promise.all([
        stranger.track(out).catch((error: unknown) => error),
        stranger.createParcel(newParcel()).catch((error: unknown) => error),
        stranger.stop({ key: randomUUID(), trackingNumber: out }).catch((error: unknown) => error),
      ]);

      for (const fault of faults) {
        expect(fault).toBeInstanceOf(Error);
        expect(fault).not.toBeInstanceOf(CarrierUnavailable);
      }
    });

    test('a carrier that is not there is CarrierUnavailable, whatever is asked, and does not answer a ping', async () => {
      const away = at.connect(at.urlOfNobody, at.key);

      await expect(away.createParcel(newParcel())).rejects.toThrow(CarrierUnavailable);
      await expect(away.track(out)).rejects.toThrow(CarrierUnavailable);
      await expect(away.stop({ key: randomUUID(), trackingNumber: out })).rejects.toThrow(CarrierUnavailable);
      expect([await away.ping(), await carrier.ping()]).toEqual([false, true]);
    });
  });
}
