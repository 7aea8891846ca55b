/** Structured logs: one JSON object a line on stdout, with ids and codes, never with personal data or secrets. */
import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

/** `to` is where lines go instead of stdout. */
export function createLog(service: string, level: string, to?: DestinationStream): Log {
  const options = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: withoutValues },
    redact: ['*.authorization', '*.password', '*.accessToken', '*.refreshToken', 'authorization', 'password'],
  };
  return to ? pino(options, to) : pino(options);
}

/** PostgreSQL tells which values an error is about, an e-mail address for instance: kept are only code, place and message. */
function withoutValues(error: Error): object {
  const { type, message, stack, code, constraint, table } = pino.stdSerializers.err(error);
  return { type, message: withoutDetail(message), stack: withoutDetail(stack), code, constraint, table };
}

/** MikroORM appends it to the message. */
const withoutDetail = (text: string): string => text.replaceAll(/\n - detail: .*/g, '');
