/** Who asks, from where, and in which trace: what travels on to the subgraphs with every request. */
import type { IncomingMessage } from 'node:http';
import type { VerifyToken, Viewer } from '#platform/tokens.ts';
import { cause, newTrace } from '#platform/trace.ts';
import type { ClientOf } from './client.ts';

export interface Context {
  /** The Authorization header, verified here already; each subgraph verifies it again by itself. */
  readonly authorization: string | undefined;
  /** Whose token it is. */
  readonly viewer: Viewer | null;
  readonly traceparent: string;
  /** The address of whoever asks; '' when they have left already. */
  readonly client: string;
}

/** The context of an HTTP request, and whose it is. @throws GraphQLError, as `VerifyToken` does */
export async function contextOf(
  request: IncomingMessage,
  { verifyToken, clientOf }: { verifyToken: VerifyToken; clientOf: ClientOf },
): Promise<Context> {
  const { authorization } = request.headers;
  const client = clientOf(request); // now: once they have left, the connection tells no address
  const viewer = await verifyToken(authorization);
  return { authorization, client, viewer, traceparent: cause.getStore()?.traceparent ?? newTrace('request') };
}

/** Of `setTimeout`; a token that lives longer than 24 days is a connection's end all the same. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How long a connection of the viewer may last, in milliseconds. */
export const msLeft = ({ expiresAt }: Viewer): number => Math.min(expiresAt.getTime() - Date.now(), LONGEST_TIMER_MS);
