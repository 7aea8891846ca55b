import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Whether the request carries `Authorization: Bearer <secret>`. */
export const hasBearer = ({ headers }: IncomingMessage, secret: string): boolean =>
  timingSafeEqual(sha256(headers.authorization ?? ''), sha256(`Bearer ${secret}`));

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
