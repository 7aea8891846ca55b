/** A field for a scanner that types and presses Enter. What is typed elsewhere on the view goes here, too. */
import { type FormEvent, type ReactNode, type RefObject, useEffect, useId } from 'react';
import { wordsOf } from '../language/language.ts';
import { Button } from '../pieces/form.tsx';
import { asTyped, scanned } from './scan.ts';

const useWords = wordsOf({ en: { find: 'Find' }, ko: { find: '찾기' } });

interface ScanFieldProps {
  label: string;
  hint?: string;
  busy: boolean;
  field: RefObject<HTMLInputElement>;
  /** `told` is the code for people, as they typed it. */
  scan(code: string, told: string): void;
  /** Enter, with nothing in the field. */
  empty?: () => void;
  /** What came of the last scan. */
  children?: ReactNode;
}

export function ScanField({ label, hint, busy, field, scan, empty, children }: ScanFieldProps) {
  const words = useWords();
  const id = useId();
  useEffect(() => {
    const catchKey = (event: KeyboardEvent) => {
      if (isForField(event)) field.current?.focus(); // before the letter is written, and so it is written there
    };
    document.addEventListener('keydown', catchKey);
    return () => document.removeEventListener('keydown', catchKey);
  }, [field]);

  function submit(event: FormEvent): void {
    event.preventDefault();
    const input = field.current;
    if (!input) return;
    const { value } = input;
    const code = scanned(value);
    input.value = '';
    input.focus();
    if (code) scan(code, asTyped(value));
    else empty?.();
  }

  return (
    <form className="scan" onSubmit={submit}>
      <label htmlFor={id}>{label}</label>
      <div className="line">
        <input
          ref={field}
          id={id}
          aria-describedby={hint ? `${id}hint` : undefined}
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          enterKeyHint="search"
        />
        <Button type="submit" kind="main" busy={busy}>
          {words.find}
        </Button>
      </div>
      {hint && (
        <p id={`${id}hint`} className="hint">
          {hint}
        </p>
      )}
      {children}
    </form>
  );
}

function isForField({ key, ctrlKey, altKey, metaKey, target }: KeyboardEvent): boolean {
  const isLetter = key.length === 1 && key !== ' ' && !ctrlKey && !altKey && !metaKey;
  return isLetter && !isTyping(target) && !document.querySelector('dialog[open]');
}

/** Whether what is typed belongs to where the focus is. */
export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLTextAreaElement ||
  target instanceof HTMLSelectElement ||
  (target instanceof HTMLInputElement && target.type !== 'radio' && target.type !== 'checkbox');
