/**
 * How one pays: with a card that Stripe takes, or one of the sandbox's. A form shows `<PaymentChoice ref={payment} />`, and asks
 * `await payment.current?.method()` when it is sent.
 */
import { forwardRef, type Ref, useImperativeHandle, useState } from 'react';
import { settings } from '../client/settings.ts';
import { wordsOf } from '../language/language.ts';
import { StripeCard } from './stripeCard.tsx';
import './rent.css';

export interface PaymentForm {
  /** The payment method's id, the same one until another card is chosen; null when there is none: the reader sees why. */
  method(): Promise<string | null>;
}

export const PaymentChoice = forwardRef<PaymentForm>(function PaymentChoice(_props, ref) {
  return settings.stripe ? <StripeCard ref={ref} publishableKey={settings.stripe} /> : <SandboxCards form={ref} />;
});

const useWords = wordsOf({
  en: {
    card: 'Card',
    sandbox: 'This shop is a demonstration: no real card is charged.',
    cards: {
      pm_card_visa: 'A card that works',
      pm_card_chargeDeclined: 'A card that is declined',
      pm_sandbox_timeout: 'A card whose bank does not answer',
    },
  },
  ko: {
    card: '카드',
    sandbox: '데모 서점입니다. 실제 카드에서는 결제되지 않습니다.',
    cards: {
      pm_card_visa: '결제되는 카드',
      pm_card_chargeDeclined: '결제가 거절되는 카드',
      pm_sandbox_timeout: '은행이 응답하지 않는 카드',
    },
  },
});

/** Of sandbox/payments.ts. */
const sandboxCards = ['pm_card_visa', 'pm_card_chargeDeclined', 'pm_sandbox_timeout'] as const;

function SandboxCards({ form }: { form: Ref<PaymentForm> }) {
  const words = useWords();
  const [card, setCard] = useState<(typeof sandboxCards)[number]>('pm_card_visa');
  useImperativeHandle(form, () => ({ method: async () => card }), [card]);
  return (
    <fieldset className="choices">
      <legend>{words.card}</legend>
      <p className="hint">{words.sandbox}</p>
      {sandboxCards.map((id) => (
        <label key={id} className="tick">
          <input type="radio" name="card" value={id} checked={card === id} onChange={() => setCard(id)} />
          {words.cards[id]}
        </label>
      ))}
    </fieldset>
  );
}
