/** Ids are UUIDs. One that cannot be is told apart before PostgreSQL would refuse the whole statement. */
import { createHash } from 'node:crypto';
import { z } from 'zod';

export const idInput = z.uuid('This is not an id.');

export const isId = (text: unknown): text is string => idInput.safeParse(text).success;

/** UUID version 5 (RFC 9562, 5.5): for the same name in the same namespace it is the same, whoever makes it. */
export function idOf(namespace: string, name: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
