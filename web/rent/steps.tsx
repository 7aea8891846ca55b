/** Which step of two this is, and of which book. */
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Cover } from '../pieces/cover.tsx';
import type { Book } from './rent.tsx';

const useWords = wordsOf({
  en: { steps: 'Steps', names: { address: 'Address', payment: 'Payment' }, fee: (fee: string) => `${fee} a copy` },
  ko: { steps: '신청 단계', names: { address: '배송지', payment: '결제' }, fee: (fee: string) => `1권당 ${fee}` },
});

const steps = ['address', 'payment'] as const;

export function StepOf({ book, step }: { book: Book; step: (typeof steps)[number] }) {
  const words = useWords();
  const format = useFormat();
  return (
    <>
      <ol className="steps" aria-label={words.steps}>
        {steps.map((name) => (
          <li key={name} aria-current={name === step ? 'step' : undefined}>
            {words.names[name]}
          </li>
        ))}
      </ol>
      <div className="chosen-book">
        <Cover {...book} />
        <div>
          <strong>{book.title}</strong>
          <span>{format.list(book.authors)}</span>
          <span>{words.fee(format.money(book.rentalFee))}</span>
        </div>
      </div>
    </>
  );
}
