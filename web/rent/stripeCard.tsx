/** Stripe's own field for a card: what is typed into it goes to Stripe alone. Its script is loaded when the field is first shown. */
import type { Stripe, StripeCardElement } from '@stripe/stripe-js';
import { loadStripe } from '@stripe/stripe-js/pure';
import { forwardRef, useEffect, useId, useImperativeHandle, useRef, useState } from 'react';
import { type Language, useLanguage, wordsOf } from '../language/language.ts';
import { Button } from '../pieces/form.tsx';
import type { PaymentForm } from './paymentMethod.tsx';

const useWords = wordsOf({
  en: {
    card: 'Card',
    loading: 'Loading the card field…',
    lost: 'The card field could not be loaded, so nothing can be paid just now.',
    again: 'Try again',
    failed: 'The card could not be read. Try again.',
  },
  ko: {
    card: '카드',
    loading: '카드 입력란을 불러오는 중…',
    lost: '카드 입력란을 불러오지 못해 지금은 결제할 수 없습니다.',
    again: '다시 시도',
    failed: '카드 정보를 확인하지 못했습니다. 다시 시도해 주세요.',
  },
});

interface Field {
  stripe: Stripe;
  card: StripeCardElement;
}

export const StripeCard = forwardRef<PaymentForm, { publishableKey: string }>(function StripeCard(
  { publishableKey },
  ref,
) {
  const words = useWords();
  const language = useLanguage();
  const id = useId();
  const place = useRef<HTMLDivElement>(null);
  const method = useRef<string | null>(null); // of the card as it is typed now
  const [field, setField] = useState<Field | 'loading' | 'lost'>('loading');
  const [fault, setFault] = useState<string>();
  const [tries, setTries] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each try loads it anew
  useEffect(() => {
    let card: StripeCardElement | undefined;
    let gone = false;
    setField('loading');
    loadStripe(publishableKey, { locale: language }).then(
      (stripe) => {
        if (gone || !stripe || !place.current) return;
        card = cardIn(stripe, language);
        card.on('change', ({ error }) => {
          method.current = null;
          setFault(error?.message);
        });
        card.on('loaderror', () => setField('lost'));
        card.mount(place.current);
        setField({ stripe, card });
      },
      () => !gone && setField('lost'),
    );
    return () => {
      gone = true;
      card?.destroy();
    };
  }, [publishableKey, language, tries]);

  useImperativeHandle(
    ref,
    () => ({
      async method() {
        if (typeof field === 'string') return null; // and the reader sees that it is loading, or lost
        if (method.current) return method.current;
        const { paymentMethod, error } = await field.stripe.createPaymentMethod({ type: 'card', card: field.card });
        setFault(error && (error.message ?? words.failed));
        method.current = paymentMethod?.id ?? null;
        return method.current;
      },
    }),
    [field, words],
  );

  return (
    <fieldset className="choices" aria-describedby={id}>
      <legend>{words.card}</legend>
      <div ref={place} className="stripe" hidden={field === 'lost'} />
      {field === 'loading' && <p role="status">{words.loading}</p>}
      {field === 'lost' && (
        <div role="alert" className="problem">
          <p>{words.lost}</p>
          <Button onClick={() => setTries(tries + 1)}>{words.again}</Button>
        </div>
      )}
      <p id={id} role="alert" className="fault">
        {fault}
      </p>
    </fieldset>
  );
});

/** In the page's colours and language; Stripe's frame knows neither. */
function cardIn(stripe: Stripe, language: Language): StripeCardElement {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return stripe.elements({ locale: language }).create('card', {
    hidePostalCode: true,
    style: {
      base: { color: colour('--ink'), fontSize: '16px', '::placeholder': { color: colour('--soft') } },
      invalid: { color: colour('--fault') },
    },
  });
}
