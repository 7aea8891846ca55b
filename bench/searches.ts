/** What people type into the search of a shop, from the books that they look for: the popular ones more often. */
import type { SearchArgs } from '../subgraphs/book/search.ts';
import { createRandom, type Model, zipfOf } from './titles.ts';

export interface Search {
  kind: string;
  variables: Pick<SearchArgs, 'search' | 'filter' | 'orderBy'>;
  /** The page after the first one. */
  further: boolean;
}

type Make = (book: Model, random: () => number) => Search['variables'];

const wordsOf = ({ title }: Model) => title.split(/\s+/).filter(Boolean);
const someWord = (book: Model, random: () => number) => {
  const words = wordsOf(book);
  return words[Math.floor(random() * words.length)] ?? '';
};
const surname = ({ authors }: Model) => authors[0]?.split(' ').at(-1) ?? '';

/** How many of a hundred searches are of each kind. */
const kinds: Record<string, { share: number; make: Make }> = {
  'the front page': { share: 10, make: () => ({}) },
  'a word of a title': { share: 13, make: (book, random) => ({ search: someWord(book, random) }) },
  'two words': {
    share: 12,
    make: (book, random) => ({ search: `${someWord(book, random)} ${someWord(book, random)}` }),
  },
  'a title begun': {
    share: 15,
    make: (book, random) => ({ search: book.title.slice(0, 2 + Math.floor(random() * 10)) }),
  },
  'a title': { share: 6, make: ({ title }) => ({ search: title.slice(0, 200) }) },
  'an author': { share: 12, make: (book) => ({ search: surname(book) }) },
  'author and word': { share: 5, make: (book, random) => ({ search: `${surname(book)} ${someWord(book, random)}` }) },
  'a common word': {
    share: 5,
    make: (_, random) => ({ search: ['the', 'of the', 'a', 'and', 'in'][Math.floor(random() * 5)] ?? '' }),
  },
  'an ISBN': { share: 4, make: ({ isbn }) => ({ search: isbn }) },
  'a misspelt word': {
    share: 4,
    make: (book, random) => ({ search: someWord(book, random).replace(/.(.)$/u, '$1q') }),
  },
  'a filter': {
    share: 5,
    make: ({ tags, language }, random) =>
      random() < 0.5
        ? { filter: { tag: tags[0] ?? null, available: true } }
        : { filter: { language }, orderBy: 'NEWEST' },
  },
  'words and a filter': {
    share: 4,
    make: (book, random) => ({ search: someWord(book, random), filter: { tag: book.tags[0] ?? null } }),
  },
  'another order': {
    share: 5,
    make: (book, random) => ({ search: someWord(book, random), orderBy: random() < 0.5 ? 'NEWEST' : 'TITLE' }),
  },
};

/** A Korean book is looked for in one of ten; one of ten looks at a second page. */
export function searchesFor(models: readonly Model[], count: number): Search[] {
  const random = createRandom(2);
  const book = zipfOf(random, models);
  const korean = zipfOf(
    random,
    models.filter(({ language }) => language === 'ko'),
  );
  const wheel = Object.entries(kinds).flatMap(([kind, { share, make }]) =>
    Array.from({ length: share }, () => ({ kind, make })),
  );
  return Array.from({ length: count }, () => {
    const { kind, make } = wheel[Math.floor(random() * wheel.length)] as (typeof wheel)[number];
    const of = random() < 0.1 ? korean() : book();
    return {
      kind: of.language === 'ko' && kind !== 'the front page' ? `${kind}, Korean` : kind,
      variables: make(of, random),
      further: random() < 0.1,
    };
  });
}
