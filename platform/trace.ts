/**
 * Which request led to what: the trace that travels from the router through the subgraphs into their events and on to whoever
 * hears of them, as the header `traceparent` of W3C Trace Context. Where OpenTelemetry is on (telemetry.ts) each step on this
 * way is a span; where it is not, the header travels all the same.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';

/** What led to the work being done now: the request's trace, the event that is being handled, if any, and what it is about. */
export interface Cause {
  traceparent: string;
  eventId?: string;
  /** For the log. */
  rentalId?: string | undefined;
}
export const cause = new AsyncLocalStorage<Cause>();

/** From here on the log says that the work is about this rental. */
export function about(rentalId: string): void {
  const led = cause.getStore();
  if (led) led.rentalId = rentalId;
}

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** What a request has brought, if it is one. */
export const traceparentIn = (header: unknown): string | undefined =>
  typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;

export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);

/** Null while OpenTelemetry is off. */
let tracer: Tracer | null = null;
export function traceWith(one: Tracer | null): void {
  tracer = one;
}

/** A step of a trace. Without a span it has none of its own, and goes on as it came. */
export interface Step {
  traceparent: string;
  span: Span | undefined;
}

export interface StepOptions {
  kind: keyof typeof SpanKind;
  /** What came before; a new trace without it. */
  after?: string | undefined;
  /** By the semantic conventions; never what people have written. */
  attributes?: Attributes;
}

/** To be ended by `step.span?.end()`. */
export function beginStep(name: string, { kind, after, attributes = {} }: StepOptions): Step {
  if (!tracer) return { traceparent: after ?? randomTraceparent(), span: undefined };
  const span = tracer.startSpan(name, { kind: SpanKind[kind], attributes }, contextOf(after));
  const { traceId, spanId, traceFlags } = span.spanContext();
  return { traceparent: `00-${traceId}-${spanId}-0${traceFlags}`, span };
}

/** Does the work as a step of a trace. */
export async function inStep<T>(name: string, options: StepOptions, work: (step: Step) => Promise<T>): Promise<T> {
  const step = beginStep(name, options);
  if (!step.span) return work(step);
  try {
    return await work(step);
  } catch (error) {
    markFailed(step.span, Error.isError(error) ? error.name : 'Error');
    throw error;
  } finally {
    step.span.end();
  }
}

/** `type` is a name of a short list; messages may say what people have written. */
export function markFailed(span: Span | undefined, type: string): void {
  span?.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR });
}

/** A new trace, for work that nobody has asked for. `name` says what begins. */
export function newTrace(name: string): string {
  const { traceparent, span } = beginStep(name, { kind: 'PRODUCER' });
  span?.end();
  return traceparent;
}

/** W3C asks for unlikely collisions, no more. */
function randomTraceparent(): string {
  const [traceId, spanId] = [randomUUID(), randomUUID()].map((id) => id.replaceAll('-', '')) as [string, string]; // of two
  return `00-${traceId}-${spanId.slice(16)}-01`;
}

function contextOf(traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (!traceId || !spanId || !flags) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
  });
}
