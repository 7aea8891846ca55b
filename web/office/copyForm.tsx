/** One copy on the desk: how it is, or, where it was thought lost, that it is here. */

import { type RefObject, useEffect, useState } from 'react';
import { Link } from 'wouter';
import type { CopyCondition } from '../client/enums.generated.ts';
import { useSend } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { type UserError, useRefusal } from '../language/refusals.ts';
import { Button, Faults, Field, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import { Facts } from './facts.tsx';
import {
  type OfficeCopyFragment,
  OfficeInspectCopyDocument,
  OfficeReceiveCopyDocument,
} from './inspection.generated.ts';
import { isTyping } from './scanField.tsx';
import { useCopyWords } from './words.ts';

const useWords = wordsOf({
  en: {
    barcode: 'Barcode',
    status: 'Status',
    since: 'Since',
    rental: 'Rental',
    toRental: 'To the rental',
    condition: 'Condition',
    means: {
      GOOD: 'As it should be. Goes back to the shelf.',
      WORN: 'Signs of use, can be lent. Goes back to the shelf.',
      DAMAGED: 'Can be mended. Goes to repair.',
      UNUSABLE: 'Cannot be lent again. Is written off.',
      MISSING: 'Was not in the parcel. Is written off.',
    },
    costs: {
      nothing: 'Costs the customer nothing.',
      DAMAGED: 'The customer is charged for the damage.',
      UNUSABLE: 'The customer is charged for a replacement.',
      MISSING: 'The customer is charged for a replacement.',
    },
    note: 'Note',
    save: 'Save',
    choose: 'Choose the condition first.',
    saved: (barcode: string, condition: string, status: string) => `${barcode} saved: ${condition}. ${status}.`,
    receive: 'It is here',
    receiveWhy: 'This copy was thought lost. It goes to inspection, and a replacement fee paid for it is refunded.',
    nothing: 'Nothing is to be done with this copy.',
  },
  ko: {
    barcode: '바코드',
    status: '처리 상태',
    since: '변경일시',
    rental: '대여',
    toRental: '대여 보기',
    condition: '책 상태',
    means: {
      GOOD: '이상 없음. 서가로 돌아갑니다.',
      WORN: '사용감이 있지만 대여할 수 있습니다. 서가로 돌아갑니다.',
      DAMAGED: '고칠 수 있습니다. 수선으로 보냅니다.',
      UNUSABLE: '다시 대여할 수 없습니다. 폐기합니다.',
      MISSING: '택배에 들어 있지 않습니다. 분실로 처리합니다.',
    },
    costs: {
      nothing: '회원에게 청구되는 금액이 없습니다.',
      DAMAGED: '회원에게 파손료가 청구됩니다.',
      UNUSABLE: '회원에게 변상금이 청구됩니다.',
      MISSING: '회원에게 변상금이 청구됩니다.',
    },
    note: '메모',
    save: '저장',
    choose: '먼저 책 상태를 골라 주세요.',
    saved: (barcode: string, condition: string, status: string) => `${barcode} 저장됨: ${condition}. ${status}.`,
    receive: '책을 찾았습니다',
    receiveWhy: '분실로 처리된 책입니다. 검수 대기로 옮기고, 납부한 변상금이 있으면 환불합니다.',
    nothing: '이 책은 지금 처리할 것이 없습니다.',
  },
});

export type Copy = OfficeCopyFragment;

/** The key 1 is the first; a key means the same wherever it may be pressed. */
const keys: readonly CopyCondition[] = ['GOOD', 'WORN', 'DAMAGED', 'UNUSABLE', 'MISSING'];

const conditions: Partial<Record<Copy['status'], readonly CopyCondition[]>> = {
  INSPECTING: keys,
  REPAIR: ['GOOD', 'WORN', 'UNUSABLE'],
};

interface CopyFormProps {
  copy: Copy;
  form: RefObject<HTMLFormElement>;
  /** Does the work, which says whether it is done; nothing while some is under way. */
  save(work: () => Promise<boolean>): void;
  received(copy: Copy): void;
  saved(confirmation: string): void;
}

export function CopyForm({ received, saved, ...desk }: CopyFormProps) {
  const { copy } = desk;
  const words = useWords();
  const copyWords = useCopyWords();
  const format = useFormat();
  const { title, authors } = copy.book;
  return (
    <section className="copy card">
      <h2>{title}</h2>
      <p>{format.list(authors)}</p>
      <Facts
        of={[
          [words.barcode, copy.barcode],
          [words.status, copyWords.status[copy.status]],
          [words.since, format.time(copy.statusSince)],
          [
            words.rental,
            copy.rental && (
              <Link key="rental" href={`/rentals/${copy.rental.id}`}>
                {words.toRental}
              </Link>
            ),
          ],
        ]}
      />
      {copy.status === 'LOST' && <Reception {...desk} received={received} />}
      {conditions[copy.status] && <InspectionForm {...desk} saved={saved} />}
      {copy.status !== 'LOST' && !conditions[copy.status] && <p>{words.nothing}</p>}
    </section>
  );
}

function InspectionForm({ copy, form, save, saved }: Omit<CopyFormProps, 'received'>) {
  const words = useWords();
  const copyWords = useCopyWords();
  const { send, sending, error } = useSend(OfficeInspectCopyDocument);
  const [condition, setCondition] = useState<CopyCondition>();
  const [note, setNote] = useState('');
  const [missing, setMissing] = useState(false);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { at, rest } = useFaults(errors, ['note']);
  const choices = conditions[copy.status];
  const isCharged = copy.status === 'INSPECTING' && copy.rental !== null;

  useEffect(() => {
    const choose = (event: KeyboardEvent) => {
      const choice = event.ctrlKey || event.altKey || event.metaKey ? undefined : keys[Number(event.key) - 1];
      if (!choice || !choices?.includes(choice) || belongsToField(event.target)) return;
      event.preventDefault();
      setCondition(choice);
    };
    document.addEventListener('keydown', choose);
    return () => document.removeEventListener('keydown', choose);
  }, [choices]);

  async function inspect(): Promise<boolean> {
    setMissing(!condition);
    if (!condition) return false;
    const answer = (await send({ input: { copyId: copy.id, condition, note: note.trim() || undefined } }))?.inspectCopy;
    if (!answer) return false;
    setErrors(answer.userErrors);
    if (answer.userErrors.length || !answer.copy) return false;
    saved(words.saved(copy.barcode, copyWords.condition[condition], copyWords.status[answer.copy.status]));
    return true;
  }

  return (
    <form
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        save(inspect);
      }}
    >
      <fieldset>
        <legend>{words.condition}</legend>
        {choices?.map((choice) => (
          <label key={choice} className={choice === condition ? 'condition is-chosen' : 'condition'}>
            <input
              type="radio"
              name="condition"
              value={choice}
              checked={choice === condition}
              onChange={() => setCondition(choice)}
            />
            <kbd>{keys.indexOf(choice) + 1}</kbd>
            <span>
              <strong>{copyWords.condition[choice]}</strong> {words.means[choice]}{' '}
              {isCharged && words.costs[choice === 'GOOD' || choice === 'WORN' ? 'nothing' : choice]}
            </span>
          </label>
        ))}
      </fieldset>
      <Field
        label={words.note}
        value={note}
        maxLength={500}
        error={at('note')}
        onChange={(event) => setNote(event.target.value)}
      />
      <Faults of={missing && !condition ? [words.choose] : rest} />
      <Problem error={error} />
      <p className="buttons">
        <Button type="submit" kind="main" busy={sending}>
          {words.save}
        </Button>
      </p>
    </form>
  );
}

/** A number in a barcode or a note is part of it; in the empty scan field it is the condition. */
const belongsToField = (target: EventTarget | null): boolean =>
  isTyping(target) && !(target instanceof HTMLInputElement && target.closest('form.scan') && target.value === '');

function Reception({ copy, form, save, received }: Omit<CopyFormProps, 'saved'>) {
  const words = useWords();
  const say = useRefusal();
  const { send, sending, error } = useSend(OfficeReceiveCopyDocument);
  const [errors, setErrors] = useState<readonly UserError[]>([]);

  async function receive(): Promise<boolean> {
    const answer = (await send({ copyId: copy.id }))?.receiveCopy;
    if (!answer) return false;
    setErrors(answer.userErrors);
    if (answer.userErrors.length || !answer.copy) return false;
    received(answer.copy);
    return true;
  }

  return (
    <form
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        save(receive);
      }}
    >
      <p>{words.receiveWhy}</p>
      <Faults of={errors.map(say)} />
      <Problem error={error} />
      <p className="buttons">
        <Button type="submit" kind="main" busy={sending}>
          {words.receive}
        </Button>
      </p>
    </form>
  );
}
