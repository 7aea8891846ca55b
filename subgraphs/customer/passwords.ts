/** Passwords are kept as argon2id hashes, in the PHC string format, so each brings its own parameters along. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import pLimit from 'p-limit';

/** At once: libuv has four threads, and to enter the database takes one as well. Fifty sign-ups at once kept it waiting for 3 s. */
const oneOfTwo = pLimit(2);
const compute = promisify(argon2);
const argon2id = (parameters: Parameters<typeof compute>[1]) => oneOfTwo(() => compute('argon2id', parameters));

/** OWASP's least for argon2id: 19 MiB and 2 passes. One hash takes 44 ms of a core here, on libuv's threads. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const PARALLELISM = 1;
const TAG_BYTES = 32;
const SALT_BYTES = 16;

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const tag = await argon2id({
    message: password.normalize('NFKC'),
    nonce: salt,
    memory: MEMORY_KIB,
    passes: PASSES,
    parallelism: PARALLELISM,
    tagLength: TAG_BYTES,
  });
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${PARALLELISM}$${base64(salt)}$${base64(tag)}`;
}

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/;

/** Whether the password is that of the hash. @throws when the hash is none of ours. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const [, memory, passes, parallelism, salt, tag] = PHC.exec(hash) ?? [];
  if (!salt || !tag) throw new Error('This is not an argon2id hash');
  const expected = Buffer.from(tag, 'base64');
  const found = await argon2id({
    message: password.normalize('NFKC'),
    nonce: Buffer.from(salt, 'base64'),
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    tagLength: expected.length,
  });
  return timingSafeEqual(found, expected);
}

let nobodysHash: Promise<string> | undefined;

/** Takes as long as to verify a password: for an account that does not exist, so that the time does not tell. */
export async function verifyNobodysPassword(password: string): Promise<false> {
  nobodysHash ??= hashPassword(randomBytes(SALT_BYTES).toString('hex'));
  await verifyPassword(password, await nobodysHash);
  return false;
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
