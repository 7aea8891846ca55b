/** Ids are UUIDs. One that cannot be is told apart before PostgreSQL would refuse the whole statement. */
import { z } from 'zod';

export const idInput = z.uuid('This is not an id.');

export const isId = (text: unknown): text is string => idInput.safeParse(text).success;
