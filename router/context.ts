/** Who asks, and in which trace: what travels on to the subgraphs with every request. */
import type { IncomingHttpHeaders } from 'node:http';
import { GraphQLError } from 'graphql';
import type { VerifyToken, Viewer } from '#platform/tokens.ts';
import { newTrace } from '#platform/trace.ts';

export interface Context {
  /** The Authorization header, verified here already; each subgraph verifies it again by itself. */
  readonly authorization: string | undefined;
  readonly traceparent: string;
}

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The context of an HTTP request, and whose it is. @throws UNAUTHENTICATED, with HTTP status 401, for a token that does not verify. */
export async function contextOf(
  headers: IncomingHttpHeaders,
  verifyToken: VerifyToken,
): Promise<Context & { viewer: Viewer | null }> {
  const { authorization } = headers;
  const traceparent = String(headers.traceparent);
  try {
    const viewer = await verifyToken(authorization);
    return { authorization, viewer, traceparent: TRACEPARENT.test(traceparent) ? traceparent : newTrace() };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    throw new GraphQLError(error.message, { extensions: { ...error.extensions, http: { status: 401 } } });
  }
}

/** Of `setTimeout`; a token that lives longer than 24 days is a connection's end all the same. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How long a connection of the viewer may last, in milliseconds. */
export const msLeft = ({ expiresAt }: Viewer): number => Math.min(expiresAt.getTime() - Date.now(), LONGEST_TIMER_MS);
