/** A session that ended by itself: what is on the page stays there, typed words too. */
import { leaveSession, useSessionEnded } from '../client/session.ts';
import { wordsOf } from '../language/language.ts';
import { Dialog } from '../pieces/dialog.tsx';
import { Button } from '../pieces/form.tsx';
import { SignInForm } from './signInForm.tsx';

const useWords = wordsOf({
  en: {
    title: 'Sign in again',
    why: 'Your session has ended. What you have typed is still there.',
    leave: 'Go on without an account',
  },
  ko: {
    title: '다시 로그인해 주세요',
    why: '로그인이 만료되었습니다. 입력한 내용은 그대로 있습니다.',
    leave: '로그인하지 않고 계속하기',
  },
});

export function SignInAgain() {
  const words = useWords();
  if (!useSessionEnded()) return null;
  return (
    <Dialog title={words.title}>
      <p>{words.why}</p>
      <SignInForm />
      <Button onClick={() => void leaveSession()}>{words.leave}</Button>
    </Dialog>
  );
}
