/** The form that begins a session. */

import { useState } from 'react';
import { useSend } from '../client/hooks.ts';
import { SignInDocument } from '../client/session.generated.ts';
import { beginSession } from '../client/session.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Button, Faults, Field, typed, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';

const useWords = wordsOf({
  en: { email: 'E-mail', password: 'Password', signIn: 'Sign in' },
  ko: { email: '이메일', password: '비밀번호', signIn: '로그인' },
});

interface SignInFormProps {
  then?(): void;
  /** Told what is typed as the e-mail address. */
  typing?(email: string): void;
}

export function SignInForm({ then, typing }: SignInFormProps) {
  const words = useWords();
  const { send, sending, error } = useSend(SignInDocument);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { at, rest } = useFaults(errors, ['email', 'password']);

  return (
    <form
      onSubmit={async (event) => {
        const { email = '', password = '' } = typed(event);
        const data = await send({ input: { email, password } });
        if (!data) return;
        setErrors(data.signIn.userErrors);
        if (data.signIn.userErrors.length) return;
        await beginSession(data.signIn);
        then?.();
      }}
    >
      <Field
        name="email"
        label={words.email}
        type="email"
        autoComplete="username"
        required
        onChange={({ target }) => typing?.(target.value)}
        error={at('email')}
      />
      <Field
        name="password"
        label={words.password}
        type="password"
        autoComplete="current-password"
        required
        error={at('password')}
      />
      <Faults of={rest} />
      <Problem error={error} />
      <Button type="submit" kind="main" busy={sending}>
        {words.signIn}
      </Button>
    </form>
  );
}
