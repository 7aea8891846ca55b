import { useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { useHistoryState } from 'wouter/use-browser-location';
import { useSend } from '../client/hooks.ts';
import { SignUpDocument } from '../client/session.generated.ts';
import { beginSession } from '../client/session.ts';
import { settings } from '../client/settings.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Button, Faults, Field, typed, useFaults } from '../pieces/form.tsx';
import { Page } from '../pieces/page.tsx';
import { Problem } from '../pieces/states.tsx';
import { safePath } from './signIn.tsx';

const useWords = wordsOf({
  en: {
    title: 'Make an account',
    name: 'Name',
    email: 'E-mail',
    password: 'Password',
    hint: 'At least 8 characters.',
    signUp: 'Make the account',
    known: 'Do you have an account already?',
    signIn: 'Sign in',
    elsewhere: 'This shop’s accounts are with another provider; make one there.',
  },
  ko: {
    title: '회원 가입',
    name: '이름',
    email: '이메일',
    password: '비밀번호',
    hint: '8자 이상 입력해 주세요.',
    signUp: '가입하기',
    known: '이미 회원이신가요?',
    signIn: '로그인',
    elsewhere: '이 서점의 계정은 다른 곳에서 관리합니다. 그곳에서 가입해 주세요.',
  },
});

export default function SignUp() {
  const words = useWords();
  const [, go] = useLocation();
  const to = safePath(new URLSearchParams(useSearch()).get('to'));
  if (settings.oidc) return <Page title={words.title}>{words.elsewhere}</Page>;
  return (
    <Page title={words.title}>
      <SignUpForm then={() => go(to, { replace: true })} />
      <p>
        {words.known} <Link href={`/sign-in?to=${encodeURIComponent(to)}`}>{words.signIn}</Link>
      </p>
    </Page>
  );
}

function SignUpForm({ then }: { then: () => void }) {
  const words = useWords();
  const { send, sending, error } = useSend(SignUpDocument);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { at, rest } = useFaults(errors, ['name', 'email', 'password']);
  const brought = useHistoryState<{ email?: string } | null>(); // from the view for signing in

  return (
    <form
      onSubmit={async (event) => {
        const { name = '', email = '', password = '' } = typed(event);
        const data = await send({ input: { name, email, password } });
        if (!data) return;
        setErrors(data.signUp.userErrors);
        if (data.signUp.userErrors.length) return;
        await beginSession(data.signUp);
        then();
      }}
    >
      <Field name="name" label={words.name} autoComplete="name" required maxLength={200} error={at('name')} />
      <Field
        name="email"
        label={words.email}
        type="email"
        autoComplete="username"
        required
        defaultValue={brought?.email}
        error={at('email')}
      />
      <Field
        name="password"
        label={words.password}
        hint={words.hint}
        type="password"
        autoComplete="new-password"
        required
        minLength={8}
        maxLength={200}
        error={at('password')}
      />
      <Faults of={rest} />
      <Problem error={error} />
      <Button type="submit" kind="main" busy={sending}>
        {words.signUp}
      </Button>
    </form>
  );
}
