/** Asks for the reason before something is done. */
import { useState } from 'react';
import type { CombinedError } from 'urql';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Dialog } from '../pieces/dialog.tsx';
import { Button, Faults, LongField, typed, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';

const useWords = wordsOf({
  en: { reason: 'Reason', optional: 'Not needed', back: 'Leave it' },
  ko: { reason: '사유', optional: '선택 입력', back: '닫기' },
});

interface ReasonDialogProps {
  title: string;
  text: string;
  /** What the button says. */
  act: string;
  needed: boolean;
  sending: boolean;
  error: CombinedError | undefined;
  /** Resolves with what the server says against it; undefined where it could not be asked. */
  send(reason: string | undefined): Promise<readonly UserError[] | undefined>;
  close(): void;
}

export function ReasonDialog({ title, text, act, needed, sending, error, send, close }: ReasonDialogProps) {
  const words = useWords();
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { at, rest } = useFaults(errors, ['reason']);
  return (
    <Dialog title={title} close={close}>
      <form
        onSubmit={async (event) => {
          const answer = await send(typed(event).reason);
          if (!answer) return;
          setErrors(answer);
          if (!answer.length) close();
        }}
      >
        <p>{text}</p>
        <LongField
          name="reason"
          label={words.reason}
          hint={needed ? undefined : words.optional}
          required={needed}
          maxLength={500}
          error={at('reason')}
        />
        <Faults of={rest} />
        <Problem error={error} />
        <p className="buttons">
          <Button type="submit" kind="danger" busy={sending}>
            {act}
          </Button>
          <Button onClick={close}>{words.back}</Button>
        </p>
      </form>
    </Dialog>
  );
}
