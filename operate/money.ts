/** Money: what Rental has written down of each payment, and what the bank has in its own books. */
import type { PaymentStatus, RentalStatus, StepKind, StepStatus } from '../subgraphs/rental/rental.ts';
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

/** Once shipped: captured, or still to be. A capture that the provider refused is told as a failed step. */
const shipped = ({ CAPTURE }: Steps): PaymentStatus[] => (CAPTURE === 'DONE' ? ['CAPTURED'] : ['AUTHORIZED']);

/** Nothing is held once the steps are done. */
function ended(steps: Steps): PaymentStatus[] {
  const { CAPTURE, PAYMENT_VOID: void_, PAYMENT_REFUND: refund } = steps;
  if (refund) {
    if (refund === 'DONE') return CAPTURE === 'FAILED' ? ['AUTHORIZED'] : ['REFUNDED'];
    return CAPTURE || void_ ? ['AUTHORIZED', 'CAPTURED'] : [];
  }
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
  const [authorizedNow, capturedNow, refundedNow] = [
    ['AUTHORIZED', 'CAPTURED', 'REFUNDED'].includes(status),
    ['CAPTURED', 'REFUNDED'].includes(status),
    status === 'REFUNDED',
  ];
  if (authorizedNow && authorized !== total)
    mistakes.push(`Payment ${id} authorised ${authorized} for a rental of ${total}.`);
  if (captured !== (capturedNow ? authorized : 0))
    mistakes.push(`Payment ${id} is ${status}, with ${captured} of ${authorized} captured.`);
  if (refunded !== (refundedNow ? captured : 0))
    mistakes.push(`Payment ${id} is ${status}, with ${refunded} of ${captured} given back.`);
  return mistakes;
}

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
  says: 'no step of a rental has failed for good, such as a capture that the provider refused: a person has to see to it',
  atOnce: true,
  async look({ rental }, tell) {
    const { rows } = await rental.query(
      `SELECT rental_id AS id, kind FROM step WHERE status = 'FAILED' ORDER BY rental_id, kind`,
    );
    for (const { id, kind } of rows) tell({ about: id, sentence: `The step ${kind} of rental ${id} has failed.` });
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
    const held = status === 'AUTHORIZED' || status === 'CAPTURED' || status === 'REFUNDED';
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

export const moneyRules = [payments, steps, bank];
