/** What people type for others to read. */
import { z } from 'zod';

/** The fillers of Hangul and the empty Braille pattern are letters and symbols by name, and show nothing either. */
const VISIBLE = /[[\p{L}\p{N}\p{P}\p{S}]--\p{Default_Ignorable_Code_Point}--\u2800]/v;
/** Overrides and isolates of the writing direction, which turn about what stands beside them, such as the rest of an address. */
const TURNING = /[\u202A-\u202E\u2066-\u2069]/g;

/** Without the space around it, and empty where nothing of it is seen. What turns is removed: it is pasted unseen, so nobody could find what was refused. */
export function shown(text: string): string {
  const plain = text.replace(TURNING, '').trim();
  return VISIBLE.test(plain) ? plain : '';
}

/** What must not be empty has `.min(1)` beside it. */
export const typedText = z.string().overwrite(shown);
