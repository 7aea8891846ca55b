/**
 * The audit log: what people did by their role and not as the owner. An entry is a row in the service's own database,
 * written in the transaction of what it tells of, and the database lets nobody change it afterwards. It holds ids, statuses,
 * counts and names of fields, never a free text or personal data: erasing a person must not need to touch it.
 */
import { randomUUID } from 'node:crypto';
import { defineEntity, p } from '@mikro-orm/core';
import type { AnswerOf, AskOf } from '#schema/requests.ts';
import { type EntityManager, query } from './database.ts';
import { isId } from './ids.ts';
import type { Role, Viewer } from './tokens.ts';

/** Who did it, by which roles. */
type Actor = Pick<Viewer, 'customerId' | 'roles'>;

type Details = Record<string, string | number | readonly string[] | null>;

const AuditSchema = defineEntity({
  name: 'AuditRow',
  tableName: 'audit',
  properties: {
    id: p.uuid().primary(),
    occurredAt: p.datetime(3),
    action: p.string(),
    actorId: p.uuid(),
    roles: p.array().$type<Role[]>(),
    subjectType: p.string(),
    subjectId: p.uuid(),
    details: p.json<Details>(),
  },
});
export class AuditRow extends AuditSchema.class {}
AuditSchema.setClass(AuditRow);

/** Writes down who did it, within the caller's transaction. `action` is the mutation's name, `subject` what was changed. */
export function audit(
  em: EntityManager,
  { customerId: actorId, roles }: Actor,
  action: string,
  subject: { type: string; id: string },
  details: Details,
): void {
  em.create(AuditRow, {
    id: randomUUID(),
    occurredAt: new Date(),
    action,
    actorId,
    roles,
    subjectType: subject.type,
    subjectId: subject.id,
    details,
  });
}

/** The same for what an owner may do, too: what customers do with their own is in the events. */
export function auditForAnother(
  em: EntityManager,
  viewer: Actor,
  action: string,
  subject: { type: string; id: string },
  details: Details & { customerId: string },
): void {
  if (details.customerId !== viewer.customerId) audit(em, viewer, action, subject, details);
}

type Asked = AskOf<'rpc.book.audit'>;
type Answered = AnswerOf<'rpc.book.audit'>;

/** Answers `rpc.<service>.audit`: the next entries of this service, newest first. */
export const auditOf =
  (em: () => EntityManager) =>
  async (asked: Asked): Promise<Answered> => {
    const { where, values } = conditionsOf(asked);
    const rows = await query<Answered['entries'][number]>(
      em(),
      `SELECT id, occurred_at AS "occurredAt", action, actor_id AS "actorId", roles, subject_type AS "subjectType",
         subject_id AS "subjectId", details
       FROM audit WHERE ${where} ORDER BY occurred_at DESC, id DESC LIMIT ${asked.limit}`,
      values,
    );
    return { entries: rows.map((row) => ({ ...row, occurredAt: new Date(row.occurredAt).toISOString() })) };
  };

function conditionsOf({ before, actorId, action, subjectId, from, to }: Asked) {
  const values: unknown[] = [];
  const value = (one: unknown) => `$${values.push(one)}`;
  const id = (one: string) => value(isId(one) ? one : null); // what is no id is nobody's
  const conditions = [
    'true',
    actorId && `actor_id = ${id(actorId)}`,
    action && `action = ${value(action)}`,
    subjectId && `subject_id = ${id(subjectId)}`,
    from && `occurred_at >= ${value(from)}`,
    to && `occurred_at < ${value(to)}`,
    before && `(occurred_at, id) < (${value(before.occurredAt)}, ${value(before.id)})`,
  ];
  return { where: conditions.filter(Boolean).join(' AND '), values };
}
