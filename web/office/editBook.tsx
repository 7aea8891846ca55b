/** Changes a title. Only what was typed is sent, so two people who change different things do not meet. */
import { useState } from 'react';
import { useSend } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Button, Faults, typed as submitted, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import { type OfficeBookFactsFragment, UpdateBookDocument } from './book.generated.ts';
import { BookFields, bookFields, read, type Typed, typedOf, useBookWords } from './bookFields.tsx';

const useWords = wordsOf({
  en: {
    save: 'Save',
    undo: 'Discard what was typed',
    saved: 'Saved.',
    conflict: 'This book was changed meanwhile. What you typed is still here; look at it again, then save.',
    became: (before: string, now: string) => `${before || 'nothing'} → ${now || 'nothing'}`,
    yours: (text: string) => ` (you typed: ${text || 'nothing'})`,
    other: 'What was changed is not among these fields.',
  },
  ko: {
    save: '저장',
    undo: '입력 취소',
    saved: '저장했습니다.',
    conflict: '그 사이에 이 책이 수정되었습니다. 입력한 내용은 그대로 있으니 확인한 뒤 다시 저장해 주세요.',
    became: (before: string, now: string) => `${before || '없음'} → ${now || '없음'}`,
    yours: (text: string) => ` (입력한 값: ${text || '없음'})`,
    other: '아래 항목이 아닌 정보가 바뀌었습니다.',
  },
});

interface EditBookProps {
  book: OfficeBookFactsFragment;
  readAgain(): void;
}

export function EditBook({ book, readAgain }: EditBookProps) {
  const words = useWords();
  const bookWords = useBookWords();
  const { send, sending, error } = useSend(UpdateBookDocument);
  const [edits, setEdits] = useState<Partial<Typed>>({});
  /** The book as it was when the first letter was typed. */
  const [since, setSince] = useState(book);
  const [outdated, setOutdated] = useState<OfficeBookFactsFragment>();
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const [saved, setSaved] = useState(false);
  const [noFee, setNoFee] = useState<string>();
  const { at, rest } = useFaults(errors, bookFields);
  const { currency } = book.rentalFee;
  const conflict = outdated !== undefined && outdated.version !== book.version;
  const isEdited = Object.keys(edits).length > 0;

  function change(field: keyof Typed, text: string): void {
    if (!isEdited) setSince(book);
    setSaved(false);
    setEdits({ ...edits, [field]: text });
  }

  function startAfresh(from: OfficeBookFactsFragment): void {
    setEdits({});
    setSince(from);
    setOutdated(undefined);
    setErrors([]);
    setNoFee(undefined);
  }

  async function save(): Promise<void> {
    const { rentalFee: feeText, title, authors, publisher, tags } = edits;
    const rentalFee = feeText === undefined ? undefined : read.rentalFee(feeText, currency);
    setNoFee(rentalFee === null ? bookWords.noFee(currency) : undefined);
    if (rentalFee === null) return;
    const data = await send({
      input: {
        id: book.id,
        expectedVersion: (conflict ? book : since).version,
        ...(title !== undefined && { title: read.title(title) }),
        ...(authors !== undefined && { authors: read.authors(authors) }),
        ...(publisher !== undefined && { publisher: read.publisher(publisher) }),
        ...(tags !== undefined && { tags: read.tags(tags) }),
        ...(rentalFee && { rentalFee }),
      },
    });
    if (!data) return;
    const { book: changed, userErrors } = data.updateBook;
    setErrors(userErrors.filter(({ code }) => code !== 'VERSION_CONFLICT'));
    if (userErrors.some(({ code }) => code === 'VERSION_CONFLICT')) {
      setOutdated(since);
      readAgain();
    }
    if (!changed) return;
    startAfresh(changed);
    setSaved(true);
  }

  return (
    <form
      onSubmit={(event) => {
        submitted(event);
        void save();
      }}
    >
      {conflict && (
        <div role="alert" className="faults">
          <p>{words.conflict}</p>
          <Differences from={outdated} to={book} edits={edits} />
        </div>
      )}
      <BookFields
        typed={{ ...typedOf(book), ...edits }}
        currency={currency}
        change={change}
        at={(field) => (field === 'rentalFee' ? (noFee ?? at(field)) : at(field))}
      />
      <Faults of={rest} />
      <Problem error={error} />
      <p className="buttons">
        <Button type="submit" kind="main" busy={sending} disabled={!isEdited}>
          {words.save}
        </Button>
        {isEdited && <Button onClick={() => startAfresh(book)}>{words.undo}</Button>}
        <span role="status">{saved && words.saved}</span>
      </p>
    </form>
  );
}

interface DifferencesProps {
  from: OfficeBookFactsFragment;
  to: OfficeBookFactsFragment;
  edits: Partial<Typed>;
}

function Differences({ from, to, edits }: DifferencesProps) {
  const words = useWords();
  const bookWords = useBookWords();
  const [before, now] = [typedOf(from), typedOf(to)];
  const different = bookFields.filter((field) => before[field] !== now[field]);
  if (!different.length) return <p>{words.other}</p>;
  return (
    <ul>
      {different.map((field) => (
        <li key={field}>
          <strong>{bookWords[field]}</strong>: {words.became(before[field], now[field])}
          {edits[field] !== undefined && words.yours(edits[field])}
        </li>
      ))}
    </ul>
  );
}
