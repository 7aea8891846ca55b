/** A new password ends the sessions everywhere else; here a new one begins. */
import { useRef, useState } from 'react';
import { useSend } from '../client/hooks.ts';
import { ChangePasswordDocument } from '../client/session.generated.ts';
import { beginSession } from '../client/session.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Button, Faults, Field, typed, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';

const useWords = wordsOf({
  en: {
    title: 'Password',
    current: 'Current password',
    new: 'New password',
    hint: 'At least 8 characters. You stay signed in here, and are signed out everywhere else.',
    change: 'Change the password',
    changed: 'The password is changed.',
  },
  ko: {
    title: '비밀번호',
    current: '현재 비밀번호',
    new: '새 비밀번호',
    hint: '8자 이상 입력해 주세요. 지금 기기를 제외한 모든 기기에서 로그아웃됩니다.',
    change: '비밀번호 변경',
    changed: '비밀번호가 변경되었습니다.',
  },
});

export function Password() {
  const words = useWords();
  const { send, sending, error } = useSend(ChangePasswordDocument);
  const form = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const [changed, setChanged] = useState(false);
  const { at, rest } = useFaults(errors, ['current', 'new']);

  return (
    <section className="card" aria-labelledby="password">
      <h2 id="password">{words.title}</h2>
      <form
        ref={form}
        onChange={() => setChanged(false)}
        onSubmit={async (event) => {
          const { current = '', new: next = '' } = typed(event);
          const data = await send({ input: { current, new: next } });
          if (!data) return;
          setErrors(data.changePassword.userErrors);
          if (data.changePassword.userErrors.length) return;
          await beginSession(data.changePassword);
          form.current?.reset();
          setChanged(true);
        }}
      >
        <Field
          name="current"
          label={words.current}
          type="password"
          autoComplete="current-password"
          required
          error={at('current')}
        />
        <Field
          name="new"
          label={words.new}
          hint={words.hint}
          type="password"
          autoComplete="new-password"
          required
          minLength={8}
          maxLength={200}
          error={at('new')}
        />
        <Faults of={rest} />
        <Problem error={error} />
        <p role="status">{changed && words.changed}</p>
        <Button type="submit" busy={sending}>
          {words.change}
        </Button>
      </form>
    </section>
  );
}
