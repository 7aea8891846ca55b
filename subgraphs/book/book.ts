/**
 * The rules of stock, waitlist and catalogue, as tables and small functions: how copies may move, how long a wait may be, what
 * an ISBN is, what a search compares. Pure: no clock, no database, no network. Source: docs/story.md, "A rental's life".
 */
import { Refusal } from '#platform/errors.ts';

export const copyStatuses = ['ON_SHELF', 'OUT', 'INSPECTING', 'REPAIR', 'LOST', 'WITHDRAWN'] as const;
export type CopyStatus = (typeof copyStatuses)[number];

/** Where copies are counted; OUTSIDE is everything that is not ours, or no longer. */
export type StockBucket = 'OUTSIDE' | 'AVAILABLE' | 'RESERVED' | 'OUT' | 'INSPECTING';
export type MovementType = 'ACQUIRE' | 'RESERVE' | 'RELEASE' | 'ISSUE' | 'RETURN' | 'RESTOCK' | 'REPAIR' | 'WRITE_OFF';

interface Move {
  type: MovementType;
  from: StockBucket;
  to: StockBucket;
  /** What becomes of the physical copies, where it is about particular ones: a reservation is of a title. */
  copies?: { from: readonly CopyStatus[]; to: CopyStatus };
}

/** Every way in which copies can move. The counts, the ledger and the copies themselves all follow this table. */
export const moves = {
  acquire: { type: 'ACQUIRE', from: 'OUTSIDE', to: 'AVAILABLE' },
  find: { type: 'ACQUIRE', from: 'OUTSIDE', to: 'INSPECTING', copies: { from: ['LOST'], to: 'INSPECTING' } },
  withdraw: { type: 'WRITE_OFF', from: 'AVAILABLE', to: 'OUTSIDE', copies: { from: ['ON_SHELF'], to: 'WITHDRAWN' } },

  reserve: { type: 'RESERVE', from: 'AVAILABLE', to: 'RESERVED' },
  release: { type: 'RELEASE', from: 'RESERVED', to: 'AVAILABLE' },
  issue: { type: 'ISSUE', from: 'RESERVED', to: 'OUT', copies: { from: ['ON_SHELF'], to: 'OUT' } },
  takeBack: { type: 'RELEASE', from: 'OUT', to: 'AVAILABLE', copies: { from: ['OUT'], to: 'ON_SHELF' } },
  receive: { type: 'RETURN', from: 'OUT', to: 'INSPECTING', copies: { from: ['OUT'], to: 'INSPECTING' } },
  lose: { type: 'WRITE_OFF', from: 'OUT', to: 'OUTSIDE', copies: { from: ['OUT'], to: 'LOST' } },

  restock: {
    type: 'RESTOCK',
    from: 'INSPECTING',
    to: 'AVAILABLE',
    copies: { from: ['INSPECTING', 'REPAIR'], to: 'ON_SHELF' },
  },
  repair: { type: 'REPAIR', from: 'INSPECTING', to: 'INSPECTING', copies: { from: ['INSPECTING'], to: 'REPAIR' } },
  discard: {
    type: 'WRITE_OFF',
    from: 'INSPECTING',
    to: 'OUTSIDE',
    copies: { from: ['INSPECTING', 'REPAIR'], to: 'WITHDRAWN' },
  },
  miss: { type: 'WRITE_OFF', from: 'INSPECTING', to: 'OUTSIDE', copies: { from: ['INSPECTING'], to: 'LOST' } },
} as const satisfies Record<string, Move>;
export type MoveName = keyof typeof moves;

/** The moves that say which copies. */
export type CopyMove = { [N in MoveName]: (typeof moves)[N] extends { copies: object } ? N : never }[MoveName];

/** How many copies of a title are where. */
export interface Stock {
  available: number;
  reserved: number;
  out: number;
  inspecting: number;
}

const countOf = { AVAILABLE: 'available', RESERVED: 'reserved', OUT: 'out', INSPECTING: 'inspecting' } as const;

/** The counts after the move. */
export function stockAfter({ available, reserved, out, inspecting }: Stock, name: MoveName, quantity: number): Stock {
  const { from, to }: Move = moves[name];
  const stock = { available, reserved, out, inspecting };
  if (from !== 'OUTSIDE') stock[countOf[from]] -= quantity;
  if (to !== 'OUTSIDE') stock[countOf[to]] += quantity;
  return stock;
}

export const ownedOf = ({ available, reserved, out, inspecting }: Stock): number =>
  available + reserved + out + inspecting;

/** The life of one rental's copies: where each change takes the reservation, and how the copies move. */
const life = {
  RESERVED: { release: { to: 'RELEASED', move: 'release' }, issue: { to: 'ISSUED', move: 'issue' } },
  ISSUED: {
    release: { to: 'RELEASED', move: 'takeBack' },
    receive: { to: 'RETURNED', move: 'receive' },
    lose: { to: 'WRITTEN_OFF', move: 'lose' },
  },
  REFUSED: { release: { to: 'RELEASED', move: null } },
  RELEASED: {},
  RETURNED: {},
  WRITTEN_OFF: {},
} as const;
export type ReservationStatus = keyof typeof life;
export const reservationStatuses = Object.keys(life) as ReservationStatus[]; // the keys are what the table was written with
export type ReservationChange = 'release' | 'issue' | 'receive' | 'lose';

/** Null where the change does not apply (any more): events come twice, and after the end. */
export function reservationAfter(
  status: ReservationStatus,
  change: ReservationChange,
): { to: ReservationStatus; move: MoveName | null } | null {
  const row: Partial<Record<ReservationChange, { to: ReservationStatus; move: MoveName | null }>> = life[status];
  return row[change] ?? null;
}

export const copyConditions = ['GOOD', 'WORN', 'DAMAGED', 'UNUSABLE', 'MISSING'] as const;
export type CopyCondition = (typeof copyConditions)[number];
const movesByCondition = {
  GOOD: 'restock',
  WORN: 'restock',
  DAMAGED: 'repair',
  UNUSABLE: 'discard',
  MISSING: 'miss',
} as const satisfies Record<CopyCondition, CopyMove>;
export type InspectionMove = (typeof movesByCondition)[CopyCondition];

/** What an inspection, or the end of a repair, does with a copy. @throws Refusal NOT_ALLOWED_IN_STATE, naming the state. */
export function inspectionMove(status: CopyStatus, condition: CopyCondition): InspectionMove {
  const move = movesByCondition[condition];
  const allowed: readonly CopyStatus[] = moves[move].copies.from;
  if (allowed.includes(status)) return move;
  const [verb, reason] =
    status === 'REPAIR' ? ([`find ${condition} after its repair`, 'UNDER_REPAIR'] as const) : ['inspect'];
  throw new Refusal('NOT_ALLOWED_IN_STATE', `Cannot ${verb} a copy that is ${status}.`, null, reason);
}

/** What receiving a copy does that was thought lost. @throws Refusal NOT_ALLOWED_IN_STATE, naming the state. */
export function receptionMove(status: CopyStatus): 'find' {
  if (status === 'LOST') return 'find';
  throw new Refusal('NOT_ALLOWED_IN_STATE', `Cannot receive a copy that is ${status}: only a LOST one is found.`);
}

/** The life of a place on a title's waitlist. OFFERED has a copy set aside for it. */
const waiting = {
  WAITING: { offer: 'OFFERED', fulfil: 'FULFILLED', leave: 'LEFT' },
  OFFERED: { fulfil: 'FULFILLED', expire: 'EXPIRED', leave: 'LEFT' },
  FULFILLED: {},
  EXPIRED: {},
  LEFT: {},
} as const;
export type WaitlistStatus = keyof typeof waiting;
export const waitlistStatuses = Object.keys(waiting) as WaitlistStatus[]; // the keys are what the table was written with
export type WaitlistChange = 'offer' | 'fulfil' | 'expire' | 'leave';

/** Null where the change does not apply (any more). */
export function waitlistAfter(status: WaitlistStatus, change: WaitlistChange): WaitlistStatus | null {
  const row: Partial<Record<WaitlistChange, WaitlistStatus>> = waiting[status];
  return row[change] ?? null;
}

/** What a customer has one of for each title, at most. */
export const openStatuses = waitlistStatuses.filter((status) => waitlistAfter(status, 'leave'));

const FEWEST_LOANS = 5;

/**
 * When whoever is at this position may have a copy: every `owned` of them wait for one loan, of median length. Null where
 * nothing comes back, or too few loans are known.
 */
export function estimatedAt(now: Date, position: number, owned: number, loansMs: readonly number[]): Date | null {
  if (owned < 1 || loansMs.length < FEWEST_LOANS) return null;
  return new Date(now.getTime() + medianOf(loansMs) * Math.ceil(position / owned));
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1); // one, or two of an even number
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** ISBN-13 in digits from an ISBN-10 or ISBN-13 as people write it, or null where the check digit is wrong. */
export function isbn13(text: string): string | null {
  const bare = text.replace(/[\s\u2010-\u2015-]/g, '').toUpperCase();
  if (/^97[89]\d{10}$/.test(bare)) return checkDigit13(bare) === bare[12] ? bare : null;
  if (!/^\d{9}[\dX]$/.test(bare) || checkDigit10(bare) !== bare[9]) return null;
  const body = `978${bare.slice(0, 9)}`;
  return body + checkDigit13(body);
}

/** Weights 10, 9, … 2, modulo 11; X is ten. */
function checkDigit10(isbn: string): string {
  const check = (11 - (weighted(isbn.slice(0, 9), (place) => 10 - place) % 11)) % 11;
  return check === 10 ? 'X' : String(check);
}

/** Weights 1 and 3 by turns, modulo 10. */
const checkDigit13 = (isbn: string): string =>
  String((10 - (weighted(isbn.slice(0, 12), (place) => (place % 2 ? 3 : 1)) % 10)) % 10);

const weighted = (digits: string, weight: (place: number) => number): number =>
  [...digits].reduce((sum, digit, place) => sum + Number(digit) * weight(place), 0);

/** Letters that Unicode does not take apart into a plain one and an accent. */
const plainLetters: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  þ: 'th',
  ı: 'i',
};

/**
 * Text as searches compare it: lower case, without accents, Hangul composed, words separated by one space. Apostrophes vanish;
 * whatever else is neither letter nor digit separates.
 */
export function normalize(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '') // accents; the marks of other scripts are part of their letters
    .normalize('NFC')
    .toLowerCase()
    .replace(/[ßæœøđðłþı]/g, (letter) => plainLetters[letter] ?? letter)
    .replace(/['’ʼ`]/g, '')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim();
}

/** What a search must find, word by word. An ISBN counts as one word, however it is written: an ISBN-10 is the ISBN-13 it stands for. */
export function searchWords(search: string): string[] {
  const whole = isbn13(search);
  if (whole) return [whole];
  const words = search.split(/\s+/).flatMap((word) => isbn13(word) ?? normalize(word).split(' '));
  return [...new Set(words)].filter(Boolean);
}

/** What is searched of a book. */
export interface Searchable {
  isbn?: string | null | undefined;
  title: string;
  authors: string[];
  publisher?: string | null | undefined;
  language?: string | null | undefined;
  tags: string[];
}

/** Begins with a space, as each word in it does, so that the beginning of a word can be told from its middle. */
export const searchTextOf = ({ title, authors, publisher, tags, isbn }: Searchable): string =>
  [title, ...authors, publisher ?? '', ...tags, isbn ?? '']
    .map(normalize)
    .filter(Boolean)
    .map((part) => ` ${part}`)
    .join('');

/** ISO 639-1 where there is one, else -3: "en" for "eng" and "en-US", "fil" for "fil". */
export function languageIn(code: string): string | null {
  try {
    return new Intl.Locale(code).language;
  } catch {
    return null; // the constructor's way of saying that it is none
  }
}

/** One property of a book as filters compare it. */
export const facet = (kind: 'author' | 'tag' | 'publisher' | 'language', value: string): string =>
  `${kind}:${normalize(kind === 'language' ? (languageIn(value) ?? value) : value)}`;

export const facetsOf = ({ authors, tags, publisher, language }: Searchable): string[] => [
  ...authors.map((author) => facet('author', author)),
  ...tags.map((tag) => facet('tag', tag)),
  ...(publisher ? [facet('publisher', publisher)] : []),
  ...(language ? [facet('language', language)] : []),
];
