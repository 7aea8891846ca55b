/** What narrows a search down, and its order. */
import { useEffect, useId, useState } from 'react';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Button, Choice, Field, Tick } from '../pieces/form.tsx';
import { type FilterName, filterNames, orders } from './searchParams.ts';

const useWords = wordsOf({
  en: {
    available: 'Available now',
    order: 'Order',
    orders: { RELEVANCE: 'Best match', POPULAR: 'Most popular', NEWEST: 'Newest first', TITLE: 'By title' },
    more: 'More filters',
    any: 'Any',
    names: {
      language: 'Language',
      author: 'Author',
      publisher: 'Publisher',
      tag: 'Tag',
      from: 'From year',
      to: 'To year',
    },
    whole: 'The whole name',
    chosen: 'Filters that are set',
    remove: (filter: string) => `Remove the filter ${filter}`,
    clear: 'Clear the filters',
  },
  ko: {
    available: '지금 대여할 수 있는 책만',
    order: '정렬',
    orders: { RELEVANCE: '관련도순', POPULAR: '인기순', NEWEST: '최신순', TITLE: '제목순' },
    more: '필터 더 보기',
    any: '전체',
    names: {
      language: '언어',
      author: '저자',
      publisher: '출판사',
      tag: '태그',
      from: '출간 연도(부터)',
      to: '출간 연도(까지)',
    },
    whole: '전체 이름을 입력해 주세요',
    chosen: '적용된 필터',
    remove: (filter: string) => `${filter} 필터 지우기`,
    clear: '필터 모두 지우기',
  },
});

/** The catalogue may have others: the address takes any code. */
const languages = ['ko', 'en', 'ja', 'zh', 'fr', 'de', 'es', 'it', 'pt', 'ru', 'la', 'grc'];
const texts = ['author', 'publisher', 'tag'] as const;
const years = ['from', 'to'] as const;

interface FiltersProps {
  params: URLSearchParams;
  /** Those that are shown: their authors, publishers and tags are proposed. */
  books: readonly { authors: readonly string[]; publisher: string | null; tags: readonly string[] }[];
  change(values: Record<string, string>): void;
}

export function Filters({ params, books, change }: FiltersProps) {
  const words = useWords();
  const format = useFormat();
  const value = (name: FilterName) => params.get(name) ?? '';
  const known = languages.includes(value('language')) || !value('language');
  const proposals = {
    author: books.flatMap(({ authors }) => authors),
    publisher: books.flatMap(({ publisher }) => publisher ?? []),
    tag: books.flatMap(({ tags }) => tags),
  };

  return (
    <div className="filters">
      <div className="row">
        <Tick
          label={words.available}
          checked={params.has('available')}
          onChange={(event) => change({ available: event.target.checked ? '1' : '' })}
        />
        <Choice
          label={words.order}
          value={params.get('order') ?? 'RELEVANCE'}
          onChange={({ target: { value } }) => change({ order: value === 'RELEVANCE' ? '' : value })}
        >
          {orders.map((order) => (
            <option key={order} value={order}>
              {words.orders[order]}
            </option>
          ))}
        </Choice>
      </div>
      <details>
        <summary>{words.more}</summary>
        <div className="fields">
          <Choice
            label={words.names.language}
            value={value('language')}
            onChange={(event) => change({ language: event.target.value })}
          >
            <option value="">{words.any}</option>
            {(known ? languages : [value('language'), ...languages]).map((code) => (
              <option key={code} value={code}>
                {format.language(code)}
              </option>
            ))}
          </Choice>
          {texts.map((name) => (
            <TextFilter
              key={name}
              label={words.names[name]}
              hint={words.whole}
              value={value(name)}
              proposals={proposals[name]}
              change={(text) => change({ [name]: text })}
            />
          ))}
          {years.map((name) => (
            <TextFilter
              key={name}
              label={words.names[name]}
              type="number"
              value={value(name)}
              change={(text) => change({ [name]: text })}
            />
          ))}
        </div>
      </details>
      <Chosen params={params} change={change} />
    </div>
  );
}

interface TextFilterProps {
  label: string;
  hint?: string;
  type?: string;
  value: string;
  proposals?: readonly string[];
  change(text: string): void;
}

/** Takes effect when it is left, or on Enter: half a name finds nothing. */
function TextFilter({ value, proposals = [], change, ...field }: TextFilterProps) {
  const list = useId();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <>
      <Field
        {...field}
        list={proposals.length ? list : undefined}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={() => change(text)}
        onKeyDown={({ key, nativeEvent: { isComposing } }) => {
          if (key === 'Enter' && !isComposing) change(text);
        }}
      />
      <datalist id={list}>
        {[...new Set(proposals)].map((proposal) => (
          <option key={proposal} value={proposal} />
        ))}
      </datalist>
    </>
  );
}

/** The filters that are set, each to be taken away: the fields may be folded up. */
function Chosen({ params, change }: Pick<FiltersProps, 'params' | 'change'>) {
  const words = useWords();
  const format = useFormat();
  const set = filterNames.flatMap((name) => {
    const value = params.get(name);
    if (!value || name === 'available') return [];
    return { name, text: `${words.names[name]}: ${name === 'language' ? format.language(value) : value}` };
  });
  if (!set.length) return null;
  return (
    <ul className="chosen" aria-label={words.chosen}>
      {set.map(({ name, text }) => (
        <li key={name}>
          <Button aria-label={words.remove(text)} onClick={() => change({ [name]: '' })}>
            {text}
            <span aria-hidden="true">×</span>
          </Button>
        </li>
      ))}
      <li>
        <Button onClick={() => change(Object.fromEntries(filterNames.map((name) => [name, ''])))}>{words.clear}</Button>
      </li>
    </ul>
  );
}
