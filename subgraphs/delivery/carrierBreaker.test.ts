/** The breaker in front of the carrier: on a real courier behind a wire that is cut, and with its process stopped and started. */
import { randomUUID } from 'node:crypto';
import type { NatsConnection } from 'nats';
import { type EntityManager, type Orm, transaction } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { connectForever } from '#platform/nats.ts';
import { answer, createAsk } from '#platform/requestReply.ts';
import { startRounds } from '#platform/rounds.ts';
import { openServiceDatabase } from '#platform/serviceDatabase.ts';
import { freePort } from '../../local/ports.ts';
import { eventually } from '../../tests/client.ts';
import { type Courier, startCourier } from '../../tests/courier.ts';
import { CARRIER_KEY, startSandbox } from '../../tests/sandboxProcess.ts';
import { createDatabase, natsUrl } from '../../tests/services.ts';
import { type Carrier, CarrierUnavailable, httpCarrier } from './carrier.ts';
import { withBreaker } from './carrierBreaker.ts';
import { sweepCarrier } from './carrierWork.ts';
import { deliveryDatabase } from './database.ts';
import { Delivery } from './entities.ts';
import { wantParcel } from './parcels.ts';

const log = createLog('test', 'silent');
const FIRST_MS = 100;
const PAUSES = { failures: 5, firstMs: FIRST_MS, longestMs: 400 };

/** The carrier behind its breaker, and what it was asked about, when, and whether the breaker was open then. */
function watched(real: Carrier) {
  const asked: { what: string; atMs: number; isTrial: boolean }[] = [];
  const note = (what: string) => asked.push({ what, atMs: performance.now(), isTrial: carrier.isOpen() });
  const noting: Carrier = {
    ...real,
    createParcel(parcel) {
      note(parcel.key);
      return real.createParcel(parcel);
    },
    track(trackingNumber) {
      note(trackingNumber);
      return real.track(trackingNumber);
    },
  };
  const carrier = withBreaker(noting, log, PAUSES);
  return { asked, carrier };
}

/** Between one question and the next. */
const pausesOf = (asked: { atMs: number }[]): number[] =>
  asked.slice(1).map(({ atMs }, index) => atMs - (asked[index]?.atMs ?? 0));

describe('in front of a wire that is cut', () => {
  let courier: Courier;
  beforeAll(async () => {
    courier = await startCourier(60_000, `http://127.0.0.1:${await freePort()}/`);
  });
  afterAll(() => courier?.stop());
  afterEach(() => {
    courier.wire.state = 'whole';
  });

  /** Asking for a parcel that nobody knows: a refusal from a carrier that is there. */
  function behindBreaker() {
    const { asked, carrier: guarded } = watched(httpCarrier(courier.settings));
    const ask = () => guarded.track('SB0').catch((error: unknown) => error);
    const askTimes = async (times: number) => {
      for (let n = 0; n < times; n++) await ask();
    };
    const untilTrial = () =>
      eventually(
        () => guarded.room(16),
        (room) => room > 0,
      );
    return { asked, guarded, ask, askTimes, untilTrial };
  }

  test('after five failures in a row nothing is asked, then one as a trial, and all again when that is answered', async () => {
    const { asked, guarded, ask, askTimes, untilTrial } = behindBreaker();
    courier.wire.state = 'cut';

    await askTimes(4);
    expect([guarded.isOpen(), guarded.room(16)]).toEqual([false, 16]);
    await askTimes(1);
    expect([guarded.isOpen(), guarded.room(16)]).toEqual([true, 0]);
    expect(await ask()).toBeInstanceOf(CarrierUnavailable);
    expect(asked).toHaveLength(5);

    courier.wire.state = 'whole';
    expect(await untilTrial()).toBe(1);
    expect(guarded.isOpen()).toBe(true);
    expect(await ask()).toMatchObject({ message: expect.stringContaining('404 NOT_FOUND') });
    expect([guarded.isOpen(), guarded.room(16)]).toEqual([false, 16]);
  });

  test('of many that ask at the time of the trial one is let through, the others wait for its outcome', async () => {
    const { asked, guarded, ask, askTimes, untilTrial } = behindBreaker();
    courier.wire.state = 'cut';
    await askTimes(5);
    await untilTrial();

    const answers = await Promise.all(Array.from({ length: 10 }, ask));

    expect(answers.every((error) => error instanceof CarrierUnavailable)).toBe(true);
    expect(asked).toHaveLength(6);
    expect(guarded.room(16)).toBe(0);
  });

  test('with each trial in vain the pause doubles, up to the longest', async () => {
    const { asked, ask, askTimes, untilTrial } = behindBreaker();
    courier.wire.state = 'cut';
    await askTimes(5);

    for (let trial = 0; trial < 4; trial++) {
      await untilTrial();
      await ask();
    }

    const pauses = pausesOf(asked.slice(4));
    expect(pauses).toHaveLength(4);
    for (const [index, atLeast] of [FIRST_MS, 2 * FIRST_MS, 4 * FIRST_MS, 4 * FIRST_MS].entries())
      expect(pauses[index]).toBeGreaterThanOrEqual(atLeast);
  });

  test('a refusal is an answer: failures are counted anew after it', async () => {
    const { guarded, askTimes } = behindBreaker();
    for (const state of ['cut', 'whole', 'cut'] as const) {
      courier.wire.state = state;
      await askTimes(state === 'cut' ? 4 : 1);
    }

    expect(guarded.isOpen()).toBe(false);
  });

  test('a clock that is set back does not keep it open', async () => {
    const { guarded, ask, askTimes, untilTrial } = behindBreaker();
    const now = Date.now;
    courier.wire.state = 'cut';
    await askTimes(5);
    courier.wire.state = 'whole';
    try {
      await untilTrial();
      Date.now = () => now() - 3_600_000;
      await ask();
    } finally {
      Date.now = now;
    }

    expect(guarded.isOpen()).toBe(false);
  });
});

describe('with the process of the carrier stopped', () => {
  const PARCELS = 40;
  const AT_ONCE = 16;
  let orm: Orm;
  let nats: NatsConnection;
  const em = (): EntityManager => orm.em.fork();

  beforeAll(async () => {
    orm = await openServiceDatabase({ ...deliveryDatabase, url: await createDatabase('delivery'), log });
    nats = await connectForever({ natsUrl: natsUrl() });
    const street = { line1: '1 Main Street', line2: null, city: 'Seoul', postalCode: '04524', country: 'KR' };
    answer(nats, 'rpc.rental.address', log, async () => ({ address: { name: 'A Reader', ...street, phone: null } }));
  });
  afterAll(async () => {
    await nats?.close();
    await orm?.close();
  });

  test('it is asked seldom, by one parcel after the other, and all are made when it is back, none on a pause of its own', async () => {
    const [database, port] = [await createDatabase('courier'), await freePort()];
    const settings = { PORT: String(port), SANDBOX_CARRIER_STEP_MS: '60000' };
    const before = await startSandbox(database, settings);
    const address = { CARRIER_URL: before.url, CARRIER_KEY, CARRIER_TIMEOUT_MS: 3000 };
    const { asked, carrier } = watched(httpCarrier(address));
    const carrying = { em, ask: createAsk(Promise.resolve(nats)), carrier, pollMs: 60_000, claimMs: 10_000 };
    const startWork = () => startRounds('the work at the carrier', () => sweepCarrier(carrying, log), log);
    const trials = () => asked.filter(({ isTrial }) => isTrial);
    before.kill();
    await before.ended;

    await transaction(orm.em, async (em) => {
      for (let n = 0; n < PARCELS; n++) {
        const facts = { rentalId: randomUUID(), customerId: randomUUID(), bookId: randomUUID(), quantity: 1 };
        wantParcel(em, facts, 'OUTBOUND', new Date());
      }
    });
    const inVain = startWork();
    try {
      await eventually(trials, ({ length }) => length >= 4);
    } finally {
      await inVain.stop();
    }

    expect(carrier.isOpen()).toBe(true);
    expect(asked.length - trials().length).toBeLessThanOrEqual(AT_ONCE);
    expect(new Set(trials().map(({ what }) => what)).size).toBe(trials().length); // one that nobody can make holds up none
    for (const pauseMs of pausesOf(trials())) expect(pauseMs).toBeGreaterThanOrEqual(FIRST_MS);
    expect(await em().count(Delivery, { attempts: { $gt: 1 } })).toBe(0);
    expect(await em().count(Delivery, { attempts: 1 })).toBeLessThan(PAUSES.failures); // those before it opened

    const after = await startSandbox(database, settings);
    const working = startWork();
    try {
      await eventually(
        () => em().count(Delivery, { status: 'CREATED' }),
        (made) => made === PARCELS,
      );
    } finally {
      await working.stop();
      await after.stop();
    }
    expect(carrier.isOpen()).toBe(false);
    expect(await em().count(Delivery, { attempts: { $gt: 0 } })).toBe(0);
  }, 60_000);
});
