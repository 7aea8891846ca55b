import { useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { settings } from '../client/settings.ts';
import { wordsOf } from '../language/language.ts';
import { Page } from '../pieces/page.tsx';
import { SignInForm } from './signInForm.tsx';

const useWords = wordsOf({
  en: {
    title: 'Sign in',
    new: 'Are you new here?',
    signUp: 'Make an account',
    elsewhere: 'This shop’s accounts are with another provider; sign in there.',
  },
  ko: {
    title: '로그인',
    new: '처음이신가요?',
    signUp: '회원 가입',
    elsewhere: '이 서점의 계정은 다른 곳에서 관리합니다. 그곳에서 로그인해 주세요.',
  },
});

export default function SignIn() {
  const words = useWords();
  const [, go] = useLocation();
  const [email, setEmail] = useState('');
  const to = safePath(new URLSearchParams(useSearch()).get('to'));
  if (settings.oidc) return <Page title={words.title}>{words.elsewhere}</Page>;
  return (
    <Page title={words.title}>
      <SignInForm then={() => go(to, { replace: true })} typing={setEmail} />
      <p>
        {words.new}{' '}
        <Link href={`/sign-up?to=${encodeURIComponent(to)}`} state={{ email }}>
          {words.signUp}
        </Link>
      </p>
    </Page>
  );
}

/** A way within the page; a link from elsewhere must not lead out of it. */
export function safePath(path: string | null): string {
  return path &&
    URL.canParse(path, location.origin) &&
    new URL(path, location.origin).origin === location.origin &&
    path.startsWith('/') &&
    !path.startsWith('//')
    ? path
    : '/';
}
