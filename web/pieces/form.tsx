/** Forms: native inputs, each with its label, its hint, and what the browser or the server says against it. */
import { type ComponentProps, type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { type UserError, useRefusal } from '../language/refusals.ts';
import { focusFirstInvalid, isControl, type Mistake, mistakeOf, useMistakeWords } from './mistakes.ts';

/** What an answer of the server says against a field; it stands until the field is changed. */
export interface Fault {
  text: string;
  answer: readonly UserError[];
}

interface FieldProps {
  label: string;
  hint?: string | undefined;
  /** As text it stands for as long as it is given. */
  error?: Fault | string | undefined;
}

export function Field({ label, hint, error, ...input }: FieldProps & ComponentProps<'input'>) {
  return <Labelled {...{ label, hint, error }}>{(described) => <input {...input} {...described} />}</Labelled>;
}

export function Choice({ label, hint, error, children, ...select }: FieldProps & ComponentProps<'select'>) {
  return (
    <Labelled {...{ label, hint, error }}>
      {(described) => (
        <select {...select} {...described}>
          {children}
        </select>
      )}
    </Labelled>
  );
}

export function LongField({ label, hint, error, ...input }: FieldProps & ComponentProps<'textarea'>) {
  return (
    <Labelled {...{ label, hint, error }}>{(described) => <textarea rows={3} {...input} {...described} />}</Labelled>
  );
}

type Described = { id: string; 'aria-describedby': string | undefined; 'aria-invalid': true | undefined };

function Labelled({ label, hint, error, children }: FieldProps & { children: (described: Described) => ReactNode }) {
  const id = useId();
  const field = useRef<HTMLDivElement>(null);
  const say = useMistakeWords();
  const [mistake, setMistake] = useState<Mistake | null>(null);
  const answer = typeof error === 'object' ? error.answer : undefined;
  const [changedSince, setChangedSince] = useState<typeof answer>();
  const refusal = typeof error === 'object' ? error.text : error;
  const isOld = answer !== undefined && answer === changedSince;
  const fault = mistake ? say(mistake) : isOld ? undefined : refusal;
  const note = mistake?.kind === 'form' && hint ? `${fault} ${hint}` : (fault ?? hint);
  const noteId = note ? `${id}note` : undefined;

  useEffect(() => {
    const first = answer && field.current?.closest('form')?.querySelector('[aria-invalid]');
    if (first instanceof HTMLElement) first.focus();
  }, [answer]);

  return (
    <div
      ref={field}
      className="field"
      onInvalid={(event) => {
        event.preventDefault();
        if (!isControl(event.target)) return;
        setMistake(mistakeOf(event.target));
        focusFirstInvalid(event.target);
      }}
      onChange={({ target }) => {
        setChangedSince(answer);
        if (mistake && isControl(target)) setMistake(mistakeOf(target));
      }}
    >
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': noteId, 'aria-invalid': fault ? true : undefined })}
      {note && (
        <p key={note} id={noteId} role={fault && 'alert'} className={fault ? 'fault' : 'hint'}>
          {note}
        </p>
      )}
    </div>
  );
}

export function Tick({ label, ...input }: { label: string } & ComponentProps<'input'>) {
  return (
    <label className="tick">
      <input type="checkbox" {...input} />
      {label}
    </label>
  );
}

interface ButtonProps extends ComponentProps<'button'> {
  /** What it asked for is under way: it says so, and does nothing more. */
  busy?: boolean | undefined;
  kind?: 'main' | 'quiet' | 'danger';
}

/** Stays focusable while busy, so that the keyboard does not lose its place. */
export function Button({ busy = false, kind = 'quiet', type = 'button', onClick, children, ...button }: ButtonProps) {
  return (
    <button
      {...button}
      type={type}
      className={`button ${kind}`}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={(event) => {
        if (busy) return event.preventDefault();
        onClick?.(event);
      }}
    >
      {children}
    </button>
  );
}

/** What was typed, by the names of the inputs, without the space around it, but for passwords; what is empty is left out. */
export function typed(event: FormEvent<HTMLFormElement>): Record<string, string> {
  event.preventDefault();
  const form = event.currentTarget;
  const isSecret = (name: string) => form.querySelector(`[name="${name}"]`)?.matches('[type=password]');
  const entries = [...new FormData(form)].map(([name, value]) => {
    const text = String(value);
    return [name, isSecret(name) ? text : text.trim()] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

/** `at('email')` is what is said against that field; `rest` is what belongs to none of `names`, for above the button. */
export function useFaults(errors: readonly UserError[] | undefined, names: readonly string[]) {
  const say = useRefusal();
  const nameOf = ({ path }: UserError) => names.findLast((name) => path?.includes(name));
  const texts = (which: (error: UserError) => boolean) => [...new Set((errors ?? []).filter(which).map(say))];
  return {
    at(name: string): Fault | undefined {
      const text = texts((error) => nameOf(error) === name).join(' ');
      return errors && text ? { text, answer: errors } : undefined;
    },
    rest: texts((error) => !nameOf(error)),
  };
}

/** Read out when it appears. */
export function Faults({ of: texts }: { of: readonly string[] }) {
  if (!texts.length) return null;
  return (
    <div role="alert" className="faults">
      {texts.map((text) => (
        <p key={text}>{text}</p>
      ))}
    </div>
  );
}
