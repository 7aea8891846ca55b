/** Money: what Rental has written down of each payment, and what the bank has in its own books. */
import type { FeeStatus, PaymentStatus, RentalStatus, StepKind, StepStatus } from '../subgraphs/rental/rental.ts';
import { type Row, rowsOf, sideBySide } from './pages.ts';
import type { Rule } from './rule.ts';

type Steps = Partial<Record<StepKind, StepStatus>>;

interface PaymentRow extends Row {
  rental_status: RentalStatus;
  rental_version: number;
  total: number | null;
  status: PaymentStatus | null;
  version: number | null;
  intent_id: string | null;
  authorized: number;
  captured: number;
  refunded: number;
  steps: Steps;
}

const PAYMENTS = `
  SELECT r.id, r.status AS rental_status, r.version AS rental_version, total_amount AS total, p.status, p.version, intent_id,
    authorized, captured, refunded,
    (SELECT coalesce(jsonb_object_agg(kind, step.status), '{}') FROM step WHERE rental_id = r.id) AS steps
  FROM rental r LEFT JOIN payment p USING (id) WHERE`;

const isOpen = (status: StepStatus | undefined): boolean => status === 'WAITING' || status === 'TODO';

/** What was taken, and what people may have given back of it at the provider's own desk. */
const everCaptured: PaymentStatus[] = ['CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED'];

/** Once shipped: captured, or still to be; where the provider refused that, a fee took its place. */
const shipped = ({ CAPTURE }: Steps): PaymentStatus[] =>
  CAPTURE === 'DONE' ? everCaptured : CAPTURE === 'FAILED' ? ['VOIDED'] : ['AUTHORIZED'];

/** Nothing is held once the steps are done. */
function ended(steps: Steps): PaymentStatus[] {
  const { CAPTURE, PAYMENT_VOID: void_, PAYMENT_REFUND: refund } = steps;
  if (refund) {
    if (refund === 'DONE') return CAPTURE === 'FAILED' ? ['VOIDED'] : ['REFUNDED'];
    if (CAPTURE === 'FAILED') return ['VOIDED'];
    return CAPTURE || void_ ? ['AUTHORIZED', ...everCaptured] : [];
  }
  if (CAPTURE === 'DONE') return everCaptured; // delivered all the same, and kept
  if (isOpen(void_)) return ['PENDING', 'UNKNOWN', 'AUTHORIZED'];
  return ['VOIDED'];
}

/** What the payment may be, by the rental's status and its steps. */
const paymentsOf = {
  REQUESTED: () => ['PENDING', 'UNKNOWN'],
  ON_HOLD: () => ['PENDING', 'UNKNOWN'],
  ACCEPTED: () => ['AUTHORIZED'],
  SHIPPING: shipped,
  ON_LOAN: shipped,
  OVERDUE: shipped,
  RETURNING: shipped,
  RETURNED: shipped,
  CLOSED: shipped,
  REJECTED: (steps) => (steps.PAYMENT_VOID ? ended(steps) : ['DECLINED', 'VOIDED']),
  CANCELLED: ended,
  LOST: (steps) => (steps.PAYMENT_REFUND ? ended(steps) : shipped(steps)),
} as const satisfies Record<RentalStatus, (steps: Steps) => PaymentStatus[]>;

function paymentMistakes(row: PaymentRow): string[] {
  const { id, rental_status, status, steps, total, authorized, captured, refunded } = row;
  if (!status) return [`Rental ${id} has no payment.`];
  const allowed = (paymentsOf[rental_status] as (steps: Steps) => PaymentStatus[])(steps);
  const mistakes: string[] = [];
  if (!allowed.includes(status))
    mistakes.push(`Rental ${id} is ${rental_status} (${spoken(steps)}), but its payment is ${status}.`);
  if (captured > authorized) mistakes.push(`Payment ${id} captured ${captured} of ${authorized} authorised.`);
  if (refunded > captured) mistakes.push(`Payment ${id} gave back ${refunded} of ${captured} captured.`);
  const capturedNow = everCaptured.includes(status);
  const authorizedNow = capturedNow || status === 'AUTHORIZED';
  if (authorizedNow && authorized !== total)
    mistakes.push(`Payment ${id} authorised ${authorized} for a rental of ${total}.`);
  if (captured !== (capturedNow ? authorized : 0))
    mistakes.push(`Payment ${id} is ${status}, with ${captured} of ${authorized} captured.`);
  if (
    status === 'PARTIALLY_REFUNDED'
      ? !isPartOf(captured, refunded)
      : refunded !== (status === 'REFUNDED' ? captured : 0)
  )
    mistakes.push(`Payment ${id} is ${status}, with ${refunded} of ${captured} given back.`);
  return mistakes;
}

const isPartOf = (whole: number, part: number): boolean => part > 0 && part < whole;

const spoken = (steps: Steps): string =>
  Object.entries(steps)
    .map(([kind, status]) => `${kind} ${status}`)
    .join(', ') || 'no steps';

const payments: Rule = {
  name: 'payments',
  says: 'each rental has a payment in a state that fits its own and its steps: authorised once accepted, captured once shipped, nothing held once it has ended; no more captured than authorised, none given back that was not captured',
  atOnce: true,
  async look({ rental }, tell, only) {
    let looked = 0;
    for await (const row of rowsOf<PaymentRow>({ client: rental, select: PAYMENTS, key: 'r.id' }, only)) {
      looked += 1;
      for (const sentence of paymentMistakes(row)) tell({ about: row.id, sentence });
    }
    return looked;
  },
};

const steps: Rule = {
  name: 'failed-steps',
  says: 'nothing has failed for good that a person has to see to, such as a refund that the provider refused (for a capture that it refused a fee is due)',
  atOnce: true,
  async look({ rental }, tell) {
    const { rows } = await rental.query(
      `SELECT rental_id AS id, kind FROM step WHERE status = 'FAILED' AND kind <> 'CAPTURE' ORDER BY rental_id, kind`,
    );
    for (const { id, kind } of rows) tell({ about: id, sentence: `The step ${kind} of rental ${id} has failed.` });
    const { rows: kept } = await rental.query(
      `SELECT id, rental_id FROM fee WHERE dropped AND status = 'PAID' AND next_attempt_at IS NULL ORDER BY id`,
    );
    for (const { id, rental_id } of kept)
      tell({ about: rental_id, sentence: `Fee ${id} was paid, is not owed after all, and could not be given back.` });
    const { rows: all } = await rental.query('SELECT count(*) FROM step');
    return Number(all[0].count);
  },
};

interface Intent {
  id: string;
  status: string;
  amount: number;
  received: number;
  refunded: number;
}
interface IntentsRow extends Row {
  intents: Intent[];
}

/** A rental's own payment; a fee has one of another key. */
const INTENTS = `
  SELECT metadata->>'rentalId' AS id, jsonb_agg(jsonb_build_object('id', id, 'status', status, 'amount', amount,
    'received', amount_received, 'refunded', amount_refunded) ORDER BY id) AS intents
  FROM payment_intent WHERE metadata->>'key' = metadata->>'rentalId' AND`;

/** Money that the bank holds or has taken. */
const isLive = ({ status }: Intent): boolean => status === 'requires_capture' || status === 'succeeded';

function bankMistakes(id: string, payment: PaymentRow | undefined, intents: Intent[]): string[] {
  const live = intents.filter(isLive);
  if (live.length > 1) return [`The bank has ${live.length} open or captured authorisations for rental ${id}.`];
  const [intent] = live;
  if (!payment)
    return intent ? [`The bank has ${intent.id} ${intent.status} for rental ${id}, which does not exist.`] : [];
  const { status, steps, authorized, captured, refunded, intent_id } = payment;

  if (!intent) {
    const held = status !== null && (status === 'AUTHORIZED' || everCaptured.includes(status));
    const mayBeVoided = isOpen(steps.PAYMENT_VOID);
    return held && authorized > 0 && !mayBeVoided && steps.CAPTURE !== 'FAILED'
      ? [`Payment ${id} is ${status}, but the bank has no authorisation for it.`]
      : [];
  }
  if (intent_id && intent_id !== intent.id)
    return [`Payment ${id} names ${intent_id}, but the bank's open or captured authorisation is ${intent.id}.`];
  if (status === 'VOIDED' || status === 'DECLINED' || status === null)
    return [`Payment ${id} is ${status}, but the bank has ${intent.id} ${intent.status}.`];
  if (status === 'PENDING' || status === 'UNKNOWN')
    return intent.received > 0 ? [`Payment ${id} is ${status}, but the bank has taken ${intent.received}.`] : [];

  const mistakes: string[] = [];
  if (intent.amount !== authorized) mistakes.push(`Payment ${id} authorised ${authorized}, the bank ${intent.amount}.`);
  // The bank may be ahead while a step is open: its answer has not been written down yet.
  if (intent.received !== captured && !(intent.received > captured && isOpen(steps.CAPTURE)))
    mistakes.push(`Payment ${id} captured ${captured}, the bank ${intent.received}.`);
  if (intent.refunded !== refunded && !(intent.refunded > refunded && isOpen(steps.PAYMENT_REFUND)))
    mistakes.push(`Payment ${id} gave back ${refunded}, the bank ${intent.refunded}.`);
  return mistakes;
}

const bank: Rule = {
  name: 'bank',
  says: "each payment agrees with the sandbox bank's own books: one open or captured authorisation at most, the same amounts; left out with a real provider, whose books cannot be read so",
  needsSandbox: true,
  async look({ rental, sandbox }, tell, only) {
    if (!sandbox) return 0;
    const key = "(metadata->>'rentalId')";
    const intentsOf = { client: sandbox, select: INTENTS, key, group: `GROUP BY ${key}`, before: '' };
    let looked = 0;
    const pairs = sideBySide({
      payment: rowsOf<PaymentRow>({ client: rental, select: PAYMENTS, key: 'r.id' }, only),
      bank: rowsOf<IntentsRow>(intentsOf, only),
    });
    for await (const { id, payment, bank } of pairs) {
      looked += 1;
      for (const sentence of bankMistakes(id, payment, bank?.intents ?? []))
        tell({ about: id, sentence, state: [payment, bank] });
    }
    return looked;
  },
};

interface FeeRow extends Row {
  status: FeeStatus;
  amount: number;
  attempt: number;
  dropped: boolean;
}

const FEES = 'SELECT id, status, amount, attempt, dropped FROM fee WHERE';

/** Every attempt to pay a fee is a payment of its own, `fee:<id>:<attempt>`. */
const FEE_INTENTS = `
  SELECT split_part(metadata->>'key', ':', 2) AS id, jsonb_agg(jsonb_build_object('id', id, 'status', status, 'amount', amount,
    'received', amount_received, 'refunded', amount_refunded) ORDER BY id) AS intents
  FROM payment_intent WHERE metadata->>'key' LIKE 'fee:%' AND`;

/** What the bank has of a fee: an attempt that is under way may be ahead of what is written down, and so may a refund. */
function feeMistake({ id, status, amount, dropped }: FeeRow, intents: Intent[]): string | null {
  const taken = intents.filter(({ received }) => received > 0);
  const kept = taken.reduce((sum, { received, refunded }) => sum + received - refunded, 0);
  if (taken.length > 1) return `The bank has taken fee ${id} ${taken.length} times.`;
  if (status === 'PENDING') return null;
  const due = status === 'PAID' ? amount : 0;
  if (kept === due || (status === 'PAID' && dropped && kept === 0)) return null;
  return `Fee ${id} is ${status}, but the bank has ${kept} of ${amount}.`;
}

const fees: Rule = {
  name: 'fees',
  says: "each fee agrees with the sandbox bank's own books: paid once, given back where it says so, and nothing taken otherwise; left out with a real provider",
  needsSandbox: true,
  async look({ rental, sandbox }, tell, only) {
    if (!sandbox) return 0;
    const key = "split_part(metadata->>'key', ':', 2)";
    const intentsOf = { client: sandbox, select: FEE_INTENTS, key, group: `GROUP BY ${key}`, before: '' };
    let looked = 0;
    const pairs = sideBySide({
      fee: rowsOf<FeeRow>({ client: rental, select: FEES, key: 'id::text' }, only),
      bank: rowsOf<IntentsRow>(intentsOf, only),
    });
    for await (const { id, fee, bank } of pairs) {
      looked += 1;
      const sentence = fee
        ? feeMistake(fee, bank?.intents ?? [])
        : `The bank knows of fee ${id}, which does not exist.`;
      if (sentence) tell({ about: id, sentence, state: [fee, bank] });
    }
    return looked;
  },
};

export const moneyRules = [payments, steps, bank, fees];
