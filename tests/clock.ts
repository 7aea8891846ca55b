/**
 * Loaded before a service's own code (`node --import`) by tests that take weeks: all the processes of a system are ahead by what one
 * file says, in milliseconds.
 */
import { readFileSync } from 'node:fs';
import { moveClock } from './movedClock.ts';

const file = process.env.TEST_CLOCK ?? '';
moveClock(() => Number(readFileSync(file, 'utf8')));
