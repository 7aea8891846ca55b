/** The copies of a title: which there are, more of them, fewer of them. */

import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { useSend } from '../client/hooks.ts';
import { usePages } from '../client/pages.ts';
import { useFormat } from '../language/format.ts';
import { plural, wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Button, Choice, Faults, Field, typed, useFaults } from '../pieces/form.tsx';
import { List } from '../pieces/list.tsx';
import { Problem } from '../pieces/states.tsx';
import type { OfficeBookFactsFragment } from './book.generated.ts';
import { AddCopiesDocument, CopiesOfBookDocument, WithdrawCopiesDocument } from './copies.generated.ts';
import { useCopyWords } from './words.ts';

const useWords = wordsOf({
  en: {
    add: 'Add copies',
    withdraw: 'Withdraw copies',
    withdrawHint: (available: string) => `Of those on the shelf; ${available} are available.`,
    count: 'How many',
    note: 'Note',
    reason: 'Reason',
    added: (count: number) => plural(count, { one: 'A copy was added.', other: `${count} copies were added.` }),
    gone: (count: number) => plural(count, { one: 'A copy was withdrawn.', other: `${count} copies were withdrawn.` }),
    copies: 'Copies',
    none: 'There are no such copies.',
    all: 'All',
    barcode: 'Barcode',
    status: 'Status',
    since: 'Since',
    rental: 'Rental',
    rentalOf: (barcode: string, id: string) => `Rental ${id} of ${barcode}`,
  },
  ko: {
    add: '책 추가',
    withdraw: '책 폐기',
    withdrawHint: (available: string) => `서가에 있는 책 중에서 뺍니다. 지금 ${available}권이 대여 가능합니다.`,
    count: '권수',
    note: '메모',
    reason: '사유',
    added: (count: number) => `${count}권을 추가했습니다.`,
    gone: (count: number) => `${count}권을 폐기했습니다.`,
    copies: '보유한 책',
    none: '해당하는 책이 없습니다.',
    all: '전체',
    barcode: '바코드',
    status: '상태',
    since: '변경 시각',
    rental: '대여',
    rentalOf: (barcode: string, id: string) => `대여 ${id} (${barcode})`,
  },
});

type BookOfStock = Pick<OfficeBookFactsFragment, 'id' | 'stock'>;
type Answer = { userErrors: readonly UserError[] } | undefined;

export function ChangeCopies({ book }: { book: BookOfStock }) {
  const words = useWords();
  const format = useFormat();
  const adding = useSend(AddCopiesDocument);
  const withdrawing = useSend(WithdrawCopiesDocument);
  const bookId = book.id;
  return (
    <div>
      <CountForm
        title={words.add}
        note={words.note}
        done={words.added}
        sending={adding.sending}
        problem={<Problem error={adding.error} />}
        ask={async (count, reason) => (await adding.send({ input: { bookId, count, reason } }))?.addCopies}
      />
      <CountForm
        title={words.withdraw}
        hint={words.withdrawHint(format.number(book.stock.available))}
        note={words.reason}
        mustSayWhy
        done={words.gone}
        sending={withdrawing.sending}
        problem={<Problem error={withdrawing.error} />}
        ask={async (count, reason = '') =>
          (await withdrawing.send({ input: { bookId, count, reason } }))?.withdrawCopies
        }
      />
    </div>
  );
}

interface CountFormProps {
  title: string;
  hint?: string;
  note: string;
  mustSayWhy?: boolean;
  done(count: number): string;
  sending: boolean;
  problem: React.ReactNode;
  ask(count: number, reason: string | undefined): Promise<Answer>;
}

function CountForm({ title, hint, note, mustSayWhy = false, done, sending, problem, ask }: CountFormProps) {
  const words = useWords();
  const form = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const [doneCount, setDoneCount] = useState<number>();
  const { at, rest } = useFaults(errors, ['count', 'reason']);
  return (
    <form
      ref={form}
      className="card"
      aria-label={title}
      onSubmit={async (event) => {
        const { count, reason } = typed(event);
        setDoneCount(undefined);
        const answer = await ask(Number(count), reason);
        if (!answer) return;
        setErrors(answer.userErrors);
        if (answer.userErrors.length) return;
        setDoneCount(Number(count));
        form.current?.reset();
      }}
    >
      <h2>{title}</h2>
      <Field
        name="count"
        type="number"
        min={1}
        max={1000}
        step={1}
        required
        label={words.count}
        hint={hint}
        error={at('count')}
      />
      <Field name="reason" label={note} required={mustSayWhy} maxLength={500} error={at('reason')} />
      <Faults of={rest} />
      {problem}
      <p className="buttons">
        <Button type="submit" kind={mustSayWhy ? 'danger' : 'main'} busy={sending}>
          {title}
        </Button>
        <span role="status">{doneCount !== undefined && done(doneCount)}</span>
      </p>
    </form>
  );
}

const PAGE = 50;
const statuses = ['ON_SHELF', 'OUT', 'INSPECTING', 'REPAIR', 'LOST', 'WITHDRAWN'] as const;

export function Copies({ bookId, stock }: { bookId: string; stock: BookOfStock['stock'] }) {
  const words = useWords();
  const copyWords = useCopyWords();
  const format = useFormat();
  const [status, setStatus] = useState<(typeof statuses)[number]>();
  const filter = { bookId, status: status && [status] };
  const copies = usePages(CopiesOfBookDocument, { first: PAGE, filter }, ({ copies }) => copies);
  useAgainWhen(JSON.stringify(stock), copies.again);

  return (
    <section className="part" aria-labelledby="copies">
      <h2 id="copies">{words.copies}</h2>
      <div className="searching">
        <Choice
          label={words.status}
          value={status ?? ''}
          onChange={({ target }) => setStatus(statuses.find((one) => one === target.value))}
        >
          <option value="">{words.all}</option>
          {statuses.map((one) => (
            <option key={one} value={one}>
              {copyWords.status[one]}
            </option>
          ))}
        </Choice>
      </div>
      <List of={copies} none={words.none}>
        {(nodes) => (
          <div className="table">
            <table>
              <thead>
                <tr>
                  <th scope="col">{words.barcode}</th>
                  <th scope="col">{words.status}</th>
                  <th scope="col">{words.since}</th>
                  <th scope="col">{words.rental}</th>
                </tr>
              </thead>
              <tbody>
                {nodes.map(({ id, barcode, status, statusSince, rental }) => (
                  <tr key={id}>
                    <th scope="row">{barcode}</th>
                    <td>{copyWords.status[status]}</td>
                    <td>
                      <time dateTime={statusSince}>{format.time(statusSince)}</time>
                    </td>
                    <td>
                      {rental && (
                        <Link href={`/rentals/${rental.id}`} aria-label={words.rentalOf(barcode, short(rental.id))}>
                          {short(rental.id)}
                        </Link>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </List>
    </section>
  );
}

/** Asks again once what it hangs on has changed; not when it is first seen. */
export function useAgainWhen(changed: string, again: () => void): void {
  const seen = useRef(changed);
  useEffect(() => {
    if (seen.current === changed) return;
    seen.current = changed;
    again();
  }, [changed, again]);
}

/** Of an id, enough to tell the rentals of one book apart. */
const short = (id: string): string => id.slice(0, 8);
