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
  const ask = useRef(search);
  ask.current = search;

  function askNow(next: string): void {
    if (next === asked.current) return;
    asked.current = next;
    ask.current(next);
  }

  useEffect(() => {
    if (q === asked.current) return; // typed here
    asked.current = q;
    setText(q);
  }, [q]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed begins the pause anew
  useEffect(() => {
    const pause = setTimeout(() => askNow(searchable(text)), PAUSE_MS);
    return () => clearTimeout(pause);
  }, [text]);

  return (
    <search>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          askNow(text.trim());
        }}
      >
        <Field
          label={words.search}
          type="search"
          enterKeyHint="search"
          autoComplete="off"
          maxLength={MAX_SEARCH}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </form>
    </search>
  );
}
