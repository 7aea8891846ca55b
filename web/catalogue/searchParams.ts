/** What the address of a search says (`/?q=emma&available=1`), as the API takes it. */
import type { BookOrder } from '../client/enums.generated.ts';
import type { BookFilter } from './search.generated.ts';

export const filterNames = ['available', 'language', 'author', 'publisher', 'tag', 'from', 'to'] as const;
export type FilterName = (typeof filterNames)[number];

export const orders = ['RELEVANCE', 'POPULAR', 'NEWEST', 'TITLE'] as const satisfies BookOrder[];

export interface Wish {
  search: string | undefined;
  filter: BookFilter;
  orderBy: BookOrder;
}

/** What cannot be meant is left out: an address may be typed by hand. */
export function wishOf(params: URLSearchParams): Wish {
  const text = (name: string) => params.get(name)?.trim() || undefined;
  return {
    search: text('q')?.slice(0, MAX_SEARCH),
    filter: {
      available: params.has('available') || undefined,
      language: text('language'),
      author: text('author'),
      publisher: text('publisher'),
      tag: text('tag'),
      publishedFrom: year(text('from')),
      publishedTo: year(text('to')),
    },
    orderBy: orders.find((order) => order === params.get('order')) ?? 'RELEVANCE',
  };
}

/** That of the API. */
export const MAX_SEARCH = 200;

function year(text: string | undefined): number | undefined {
  return text && /^-?\d{1,4}$/.test(text) ? Number(text) : undefined;
}

/** The same address with other values; an empty one is taken out. */
export function changed(params: URLSearchParams, values: Record<string, string>): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(values)) {
    if (value.trim()) next.set(name, value.trim());
    else next.delete(name);
  }
  return next;
}

/** Where one finds the other books of an author, a publisher, a tag or in a language. */
export const searchBy = (name: FilterName, value: string): string =>
  `/?${changed(new URLSearchParams(), { [name]: value })}`;

/** What can be searched for while it is typed: without the letters at the end that are no Hangul syllable yet. */
export const searchable = (text: string): string => text.replace(/[\u3131-\u318e]+$/, '').trim();
