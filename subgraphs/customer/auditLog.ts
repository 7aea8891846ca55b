/** The audit log of the whole shop: each service keeps its own part, and here the parts are laid together, page by page. */
import { auditOf } from '#platform/audit.ts';
import type { EntityManager } from '#platform/database.ts';
import { type Connection, connectionOf, type PageArgs, pageOf } from '#platform/pages.ts';
import { type Ask, needed } from '#platform/requestReply.ts';
import type { AnswerOf, AskOf } from '#schema/requests.ts';

/** A service that is there answers in milliseconds. */
const TIMEOUT_MS = 3000;

const otherServices = { BOOK: 'rpc.book.audit', RENTAL: 'rpc.rental.audit', DELIVERY: 'rpc.delivery.audit' } as const;
export const services = ['CUSTOMER', 'BOOK', 'RENTAL', 'DELIVERY'] as const;
export type Service = (typeof services)[number];

export interface AuditFilter {
  service?: Service | null;
  actorId?: string | null;
  action?: string | null;
  subjectId?: string | null;
  from?: Date | null;
  to?: Date | null;
}

type Entry = AnswerOf<'rpc.book.audit'>['entries'][number];
export type AuditEntry = Entry & { service: Service };

/** @throws SERVICE_UNAVAILABLE while a service is silent: a page without its entries would look complete. */
export async function auditLog(
  em: EntityManager,
  ask: Ask,
  { service: only, from, to, ...same }: AuditFilter,
  page: PageArgs,
): Promise<Connection<AuditEntry>> {
  const { limit, keys } = pageOf(page, ['timestamptz', 'uuid']);
  const before = keys && { occurredAt: new Date(String(keys[0])).toISOString(), id: String(keys[1]) };
  const wanted = { limit, before, from: from?.toISOString(), to: to?.toISOString(), ...same };
  const parts = await Promise.all(
    services
      .filter((service) => !only || service === only)
      .map(async (service) => (await partOf(service, em, ask, wanted)).map((entry) => ({ ...entry, service }))),
  );
  // Of each service as many as fill the page: whatever is newest of all is among them.
  return connectionOf(parts.flat().sort(newestFirst), page, ({ occurredAt, id }) => [occurredAt, id]);
}

async function partOf(
  service: Service,
  em: EntityManager,
  ask: Ask,
  wanted: AskOf<'rpc.book.audit'>,
): Promise<Entry[]> {
  if (service === 'CUSTOMER') return (await auditOf(() => em)(wanted)).entries;
  const answer = ask(otherServices[service], wanted, TIMEOUT_MS);
  return (await needed(answer, service.toLowerCase(), ', and without it the log has gaps')).entries;
}

/** As PostgreSQL orders instants and ids; written out, both have one length. */
const newestFirst = (a: Entry, b: Entry): number => (keyOf(a) < keyOf(b) ? 1 : -1);
const keyOf = ({ occurredAt, id }: Entry): string => occurredAt + id;
