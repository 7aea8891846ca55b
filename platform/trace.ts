/** Which request led to what: the trace id that travels from the router through the subgraphs into their events. */
import { randomBytes } from 'node:crypto';

/** A new trace, as the header `traceparent` of W3C Trace Context writes it. */
export const newTrace = (): string => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
