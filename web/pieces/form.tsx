/** Forms: native inputs, each with its label, its hint and what the server says against it. */
import { type ComponentProps, type FormEvent, type ReactNode, useId } from 'react';
import { type UserError, useRefusal } from '../language/refusals.ts';

interface FieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
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
  const note = error ?? hint;
  const noteId = note ? `${id}note` : undefined;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': noteId, 'aria-invalid': error ? true : undefined })}
      {note && (
        <p id={noteId} className={error ? 'fault' : 'hint'}>
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
    at: (name: string): string | undefined => texts((error) => nameOf(error) === name).join(' ') || undefined,
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
