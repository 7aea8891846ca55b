/** Asks once more before something that cannot be taken back. */
import type { ReactNode } from 'react';
import { wordsOf } from '../language/language.ts';
import { Dialog } from './dialog.tsx';
import { Button } from './form.tsx';

const useWords = wordsOf({ en: { back: 'Go back' }, ko: { back: '돌아가기' } });

interface ConfirmProps {
  title: string;
  /** What the button says that does it. */
  confirm: string;
  busy: boolean;
  go(): void;
  close(): void;
  children: ReactNode;
}

export function Confirm({ title, confirm, busy, go, close, children }: ConfirmProps) {
  const words = useWords();
  return (
    <Dialog title={title} close={close}>
      {children}
      <p className="buttons">
        <Button onClick={close}>{words.back}</Button>
        <Button kind="danger" busy={busy} onClick={go}>
          {confirm}
        </Button>
      </p>
    </Dialog>
  );
}
