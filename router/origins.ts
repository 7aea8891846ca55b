/** Pages of other origins that may ask from a browser: those that are listed, and no other. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';

export interface Origins {
  /** Writes the headers of CORS; true when that was the whole answer, to a preflight. */
  answer(request: IncomingMessage, response: ServerResponse): boolean;
  /** Whether a page may open a socket: CORS does not cover those. Who is no browser sends no origin. */
  maySocket(request: IncomingMessage): boolean;
}

export function createOrigins(listed: string[]): Origins {
  const write = cors({
    origin: listed,
    methods: ['GET', 'POST'],
    allowedHeaders: ['authorization', 'content-type', 'apollo-require-preflight', 'last-event-id', 'traceparent'],
    exposedHeaders: ['retry-after'],
    maxAge: 600,
  });

  return {
    answer(request, response) {
      let goesOn = false;
      write(request, response, () => {
        goesOn = true;
      });
      return !goesOn;
    },
    maySocket({ headers: { origin, host } }) {
      return origin === undefined || listed.includes(origin) || URL.parse(origin)?.host === host;
    },
  };
}
