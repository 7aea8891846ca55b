/** An account is gone for good, so its owner types that it is meant. */
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useSend } from '../client/hooks.ts';
import { leaveSession } from '../client/session.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Dialog } from '../pieces/dialog.tsx';
import { Button, Faults, Field, typed, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import { EraseMeDocument } from './account.generated.ts';

const useWords = wordsOf({
  en: {
    title: 'Erase my account',
    what: 'Your name, e-mail, addresses and notes are erased for good. That is possible once no order is open and no fee unpaid.',
    erase: 'Erase my account',
    word: 'ERASE',
    type: 'Type ERASE to confirm',
    mistyped: 'Type the word exactly as it stands there.',
    later:
      'It cannot be seen just now whether anything is open. The account is erased by itself as soon as it can be, unless something is.',
    open: (count: string) => `Orders that are not finished: ${count}.`,
    unpaid: (count: string) => `Fees that are not paid: ${count}.`,
    orders: 'See my orders',
    close: 'Go back',
  },
  ko: {
    title: '회원 탈퇴',
    what: '이름, 이메일, 배송지와 메모가 완전히 삭제됩니다. 진행 중인 주문과 미납 요금이 없어야 탈퇴할 수 있습니다.',
    erase: '탈퇴하기',
    word: '탈퇴',
    type: '확인을 위해 ‘탈퇴’를 입력해 주세요',
    mistyped: '표시된 단어를 그대로 입력해 주세요.',
    later:
      '지금은 진행 중인 주문이 있는지 확인할 수 없습니다. 확인되는 대로 자동으로 탈퇴 처리되며, 진행 중인 주문이 있으면 처리되지 않습니다.',
    open: (count: string) => `진행 중인 주문이 ${count}건 있습니다.`,
    unpaid: (count: string) => `미납 요금이 ${count}건 있습니다.`,
    orders: '내 주문 보기',
    close: '돌아가기',
  },
});

export function Erase() {
  const words = useWords();
  const [asking, setAsking] = useState(false);
  const [later, setLater] = useState(false);
  return (
    <section className="card" aria-labelledby="erase">
      <h2 id="erase">{words.title}</h2>
      <p>{words.what}</p>
      <p role="status">{later && words.later}</p>
      <Button kind="danger" onClick={() => setAsking(true)}>
        {words.erase}
      </Button>
      {asking && (
        <Dialog title={words.title} close={() => setAsking(false)}>
          <EraseForm
            close={() => setAsking(false)}
            later={() => {
              setAsking(false);
              setLater(true);
            }}
          />
        </Dialog>
      )}
    </section>
  );
}

function EraseForm({ close, later }: { close(): void; later(): void }) {
  const words = useWords();
  const format = useFormat();
  const [, go] = useLocation();
  const { send, sending, error } = useSend(EraseMeDocument);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const [mistyped, setMistyped] = useState(false);
  const faults = useFaults(errors, []);
  const open = countOf(errors, 'RENTAL_OPEN');
  const unpaid = countOf(errors, 'FEE_UNPAID');
  const rest = open + unpaid ? [] : faults.rest;

  return (
    <form
      onSubmit={async (event) => {
        const isMeant = typed(event).word === words.word;
        setMistyped(!isMeant);
        if (!isMeant) return;
        const data = await send({});
        if (!data) return;
        const { erased, userErrors } = data.eraseMe;
        setErrors(userErrors);
        if (userErrors.length) return;
        if (!erased) return later();
        go('/');
        await leaveSession();
      }}
    >
      <p>{words.what}</p>
      <Field
        name="word"
        label={words.type}
        autoComplete="off"
        autoCapitalize="off"
        required
        error={mistyped ? words.mistyped : undefined}
      />
      <Faults of={rest} />
      {open + unpaid > 0 && (
        <div role="alert" className="faults">
          {open > 0 && <p>{words.open(format.number(open))}</p>}
          {unpaid > 0 && <p>{words.unpaid(format.number(unpaid))}</p>}
          <Link href="/orders?show=all">{words.orders}</Link>
        </div>
      )}
      <Problem error={error} />
      <p className="buttons">
        <Button onClick={close}>{words.close}</Button>
        <Button type="submit" kind="danger" busy={sending}>
          {words.erase}
        </Button>
      </p>
    </form>
  );
}

const countOf = (errors: readonly UserError[], reason: string): number =>
  errors.filter((error) => error.reason === reason).length;
