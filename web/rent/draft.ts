/** What has been typed for a rental. It outlives a reload of the tab, and goes with the account (client/session.ts); nothing of a card is in it. */
import { useEffect, useState } from 'react';
import { newIdempotencyKey } from '../client/hooks.ts';
import { useAccount } from '../client/session.ts';
import { ofTab, readJson } from '../client/storage.ts';
import type { Address } from '../pieces/addressLines.tsx';

export interface Draft {
  /** Names the wish until it is answered. */
  key: string;
  /** It was sent, and no answer has come. */
  sent: boolean;
  quantity: number;
  /** Id of a saved address, or NEW; undefined before the reader has chosen. */
  chosen?: string;
  /** The one that is typed, by the names of AddressInput. */
  address: Record<string, string | null>;
  /** Whether that is to be saved, and by which name. */
  keep: boolean;
  label: string;
  /** What the first step has come to. */
  deliverTo?: Address;
}

export const NEW = 'new';
const KEYS = 'rentabook.rent.';

const nothing = (): Draft => ({
  key: newIdempotencyKey(),
  sent: false,
  quantity: 1,
  address: {},
  keep: false,
  label: '',
});

export function useDraft(bookId: string) {
  const key = `${KEYS}${useAccount()?.id}.${bookId}`;
  const [draft, setDraft] = useState<Draft>(() => readJson<Draft>(ofTab, key) ?? nothing());
  useEffect(() => ofTab.setItem(key, JSON.stringify(draft)), [key, draft]);
  return {
    draft,
    change: (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part })),
    forget: () => ofTab.removeItem(key),
  };
}

/** Where it is to go; null while something is missing. */
export function addressOf(draft: Draft, saved: readonly (Address & { id: string })[]): Address | null {
  const source = saved.find(({ id }) => id === draft.chosen) ?? draft.address;
  const { name, line1, line2, city, postalCode, country, phone } = source;
  const whole = name && line1 && city && postalCode && country;
  return whole ? { name, line1, line2: line2 || null, city, postalCode, country, phone: phone || null } : null;
}
