/** The first step: how many copies, and where they go. */
import type { FormEvent } from 'react';
import { useRead, useSend } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { AddressFields, addressNames } from '../pieces/addressFields.tsx';
import { AddressLines } from '../pieces/addressLines.tsx';
import { Button, Faults, Field, Tick, useFaults } from '../pieces/form.tsx';
import { Page } from '../pieces/page.tsx';
import { Problem } from '../pieces/states.tsx';
import { addressOf, type Draft, NEW } from './draft.ts';
import { Refused } from './refused.tsx';
import { QuoteRentalDocument, SaveAddressToRentDocument } from './rent.generated.ts';
import type { Book, SavedAddress } from './rent.tsx';
import { StepOf } from './steps.tsx';

const useWords = wordsOf({
  en: {
    title: 'Delivery address',
    saved: 'Your addresses',
    other: 'Another address',
    keep: 'Keep this address for the next time',
    label: 'Name of this address',
    home: 'Home',
    quantity: 'Copies',
    next: 'Go on to the payment',
  },
  ko: {
    title: '어디로 보내 드릴까요?',
    saved: '저장한 배송지',
    other: '다른 배송지',
    keep: '다음에도 쓸 수 있게 배송지 저장',
    label: '배송지 이름',
    home: '집',
    quantity: '권수',
    next: '결제 단계로',
  },
});

/** Of the API. */
const MOST_COPIES = 100;

interface AddressStepProps {
  book: Book;
  saved: readonly SavedAddress[];
  draft: Draft;
  change(part: Partial<Draft>): void;
  errors: readonly UserError[];
  setErrors(errors: readonly UserError[]): void;
  done(): void;
}

export function AddressStep({ book, saved, draft, change, errors, setErrors, done }: AddressStepProps) {
  const words = useWords();
  const { send, sending, error } = useSend(SaveAddressToRentDocument);
  const { at, rest } = useFaults(errors, [...addressNames, 'label', 'quantity']);
  const quote = useQuote(book.id, draft.quantity);
  const refused = quote?.allowed === false && !draft.sent;
  const first = saved.find(({ isDefault }) => isDefault) ?? saved[0];
  const chosen = draft.chosen ?? first?.id ?? NEW;
  const typesNew = !saved.some(({ id }) => id === chosen);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const next = { ...draft, ...read(event.currentTarget, draft) };
    const address = addressOf(next, saved);
    if (!address) return;
    setErrors([]);
    change({ deliverTo: address });
    if (typesNew && next.keep) {
      const answer = (await send({ input: { label: next.label, ...address } }))?.saveAddress;
      if (!answer) return;
      if (answer.userErrors.length) return setErrors(answer.userErrors);
      const added = answer.customer?.addresses?.find(({ id }) => !saved.some((one) => one.id === id));
      change({ keep: false, chosen: added?.id ?? NEW });
    }
    done();
  }

  return (
    <Page title={words.title}>
      <StepOf book={book} step="address" />
      <form onSubmit={submit} onChange={({ currentTarget }) => change(read(currentTarget, draft))}>
        <Field
          name="quantity"
          label={words.quantity}
          type="number"
          inputMode="numeric"
          min={1}
          max={MOST_COPIES}
          required
          defaultValue={draft.quantity}
          error={at('quantity')}
        />
        <div role="alert">
          {refused &&
            quote.reasons.map(({ code }) => (
              <Refused key={code} code={code} bookId={book.id} copies={draft.quantity} />
            ))}
        </div>
        {saved.length > 0 && (
          <SavedAddresses saved={saved} chosen={typesNew ? NEW : chosen} other={words.other} legend={words.saved} />
        )}
        {typesNew && (
          <>
            <AddressFields address={draft.address} at={at} />
            <Tick name="keep" label={words.keep} defaultChecked={draft.keep} />
            {draft.keep && (
              <Field
                name="label"
                label={words.label}
                defaultValue={draft.label || words.home}
                required
                maxLength={100}
                error={at('label')}
              />
            )}
          </>
        )}
        <Faults of={rest} />
        <Problem error={error} />
        <Button type="submit" kind="main" busy={sending} disabled={refused}>
          {words.next}
        </Button>
      </form>
    </Page>
  );
}

/** Asked before an address is typed for nothing; that it cannot be asked is said in the second step. */
function useQuote(bookId: string, quantity: number) {
  const when = Number.isInteger(quantity) && quantity >= 1 && quantity <= MOST_COPIES;
  const { data } = useRead(QuoteRentalDocument, { input: { bookId, quantity } }, { when });
  return when ? data?.rentalQuote : undefined;
}

interface SavedAddressesProps {
  saved: readonly SavedAddress[];
  chosen: string | undefined;
  legend: string;
  other: string;
}

function SavedAddresses({ saved, chosen, legend, other }: SavedAddressesProps) {
  return (
    <fieldset className="choices">
      <legend>{legend}</legend>
      {saved.map((address) => (
        <label key={address.id} className="tick">
          <input type="radio" name="chosen" value={address.id} defaultChecked={chosen === address.id} />
          <span>
            <strong>{address.label}</strong> <AddressLines {...address} />
          </span>
        </label>
      ))}
      <label className="tick">
        <input type="radio" name="chosen" value={NEW} defaultChecked={chosen === NEW} />
        {other}
      </label>
    </fieldset>
  );
}

/** What the form says now; what it does not show stays as it was. */
function read(form: HTMLFormElement, { address, ...before }: Draft): Partial<Draft> {
  const fields = new FormData(form);
  const text = (name: string) => fields.get(name)?.toString().trim();
  const typed = addressNames.flatMap((name) => (fields.has(name) ? [[name, text(name) ?? '']] : []));
  return {
    quantity: Number(text('quantity')) || before.quantity,
    chosen: text('chosen') ?? NEW,
    address: { ...address, ...Object.fromEntries(typed) },
    keep: fields.has('name') ? fields.has('keep') : before.keep,
    label: text('label') ?? before.label,
  };
}
