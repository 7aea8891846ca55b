/** Structured logs: one JSON object a line on stdout, with ids and codes, never with personal data or secrets. */
import { type DestinationStream, type Logger, pino } from 'pino';
import { cause, traceIdOf } from './trace.ts';
import { version } from './version.ts';

export type Log = Logger;

/** `to` is where lines go instead of stdout. */
export function createLog(service: string, level: string, to?: DestinationStream): Log {
  const options = {
    level,
    base: { service, version },
    mixin: whatLedHere,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: withoutValues },
    redact: ['*.authorization', '*.password', '*.accessToken', '*.refreshToken', 'authorization', 'password'],
  };
  return to ? pino(options, to) : pino(options);
}

/** What a line tells itself counts for more. */
function whatLedHere(): object {
  const led = cause.getStore();
  if (!led) return {};
  const { traceparent, eventId, rentalId } = led;
  return { traceId: traceIdOf(traceparent), eventId, rentalId };
}

/** PostgreSQL tells which values an error is about, an e-mail address for instance: kept are only code, place and message. */
function withoutValues(error: Error): object {
  const { type, message, stack, code, constraint, table } = pino.stdSerializers.err(error);
  return { type, message: withoutDetail(message), stack: withoutDetail(stack), code, constraint, table };
}

/** MikroORM appends it to the message. */
const withoutDetail = (text: string): string => text.replaceAll(/\n - detail: .*/g, '');
