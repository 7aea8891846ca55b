/** A postal address as people type it, checked as far as can be without a register of streets. */
import { iso31661 } from 'iso-3166';
import { z } from 'zod';
import { typedText } from './text.ts';

const countries = new Set(
  iso31661.filter((entry) => entry.state === 'assigned').map((entry) => entry.alpha2 as string),
);

const line = (what: string) =>
  typedText.min(1, `${what} must not be empty.`).max(200, `${what} must have at most 200 characters.`);
const optionalLine = (what: string) =>
  typedText
    .max(200, `${what} must have at most 200 characters.`)
    .nullish()
    .transform((text) => text || null);

export const addressInput = z.object({
  name: line('The name'),
  line1: line('The first address line'),
  line2: optionalLine('The second address line'),
  city: line('The city'),
  postalCode: line('The postal code'),
  country: z.string().refine((code) => countries.has(code), {
    error: (issue) => `"${String(issue.input)}" is not an ISO 3166-1 alpha-2 country code, such as KR.`,
  }),
  phone: optionalLine('The phone number'),
});
