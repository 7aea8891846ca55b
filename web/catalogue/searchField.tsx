/** The words that are searched for: a moment after they have been typed, and at once on Enter. */
import { useEffect, useRef, useState } from 'react';
import { wordsOf } from '../language/language.ts';
import { Field } from '../pieces/form.tsx';
import { MAX_SEARCH, searchable } from './searchParams.ts';

const useWords = wordsOf({
  en: { search: 'Title, author, publisher, tag or ISBN' },
  ko: { search: '제목, 저자, 출판사, 태그 또는 ISBN' },
});

/** Shorter than a pause for thought, longer than one between two keys. */
const PAUSE_MS = 200;

interface SearchFieldProps {
  /** What the address has. */
  q: string;
  search(q: string): void;
}

export function SearchField({ q, search }: SearchFieldProps) {
  const words = useWords();
  const [text, setText] = useState(q);
  const asked = useRef(q);
  const pause = useRef<ReturnType<typeof setTimeout>>();

  function ask(next: string): void {
    clearTimeout(pause.current);
    if (next === asked.current) return;
    asked.current = next;
    search(next);
  }

  function type(next: string): void {
    setText(next);
    clearTimeout(pause.current);
    pause.current = setTimeout(() => ask(searchable(next)), PAUSE_MS);
  }

  useEffect(() => {
    if (q === asked.current) return; // typed here
    clearTimeout(pause.current);
    asked.current = q;
    setText(q);
  }, [q]);

  useEffect(() => () => clearTimeout(pause.current), []);

  return (
    <search>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          ask(text.trim());
        }}
      >
        <Field
          label={words.search}
          type="search"
          enterKeyHint="search"
          autoComplete="off"
          maxLength={MAX_SEARCH}
          value={text}
          onChange={(event) => type(event.target.value)}
        />
      </form>
    </search>
  );
}
