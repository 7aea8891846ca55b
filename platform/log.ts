/** Structured logs: one JSON object a line on stdout, with ids and codes, never with personal data or secrets. */
import { type Logger, pino } from 'pino';

export type Log = Logger;

export function createLog(service: string, level: string): Log {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['*.authorization', '*.password', '*.accessToken', '*.refreshToken', 'authorization', 'password'],
  });
}
