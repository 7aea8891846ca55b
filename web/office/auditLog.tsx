/** Who did what by their role, newest first. */

import { Link, useSearchParams } from 'wouter';
import { usePages } from '../client/pages.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Choice, Field } from '../pieces/form.tsx';
import { List } from '../pieces/list.tsx';
import { Page } from '../pieces/page.tsx';
import { auditFilterOf, isInstant, isJustId, subjectPath } from './auditFilter.ts';
import { AuditLogDocument, type AuditLogQuery } from './auditLog.generated.ts';
import { FilterForm } from './filterForm.tsx';
import { services } from './filters.ts';
import { Silence } from './silence.tsx';
import { useRoleWords, useServiceWords } from './words.ts';

const useWords = wordsOf({
  en: {
    title: 'Audit log',
    service: 'Service',
    all: 'All',
    action: 'What was done',
    actor: 'Account of who did it',
    subject: 'Id of what was changed',
    from: 'From',
    to: 'To, that day included',
    none: 'Nothing was done that fits.',
    when: 'When',
    who: 'Who',
    about: 'About',
    details: 'Details',
    gone: 'An account that is gone',
    hint: 'While a service is silent the whole log cannot be seen; choose a service to see its part.',
    actions: {
      addBook: 'Book added',
      updateBook: 'Book changed',
      addCopies: 'Copies added',
      withdrawCopies: 'Copies withdrawn',
      inspectCopy: 'Copy inspected',
      receiveCopy: 'Lost copy received',
      importBooks: 'Books imported',
      cancelRental: 'Rental cancelled',
      renewRental: 'Rental renewed',
      returnRental: 'Return booked',
      reportRentalLost: 'Reported lost',
      payFee: 'Fee paid',
      waiveFee: 'Fee waived',
      recordTrackingEvent: 'Scan recorded',
      leaveWaitlist: 'Waitlist left',
      setRoles: 'Roles given',
      replayDeadLetter: 'Dead letter replayed',
      dropDeadLetter: 'Dead letter dropped',
    },
    names: {
      change: 'Change',
      from: 'It was',
      status: 'Status',
      scan: 'Scan',
      fields: 'Fields',
      version: 'Version',
      count: 'How many',
      copies: 'Copies',
      condition: 'Condition',
      kind: 'Kind',
      amount: 'Amount',
      dueAt: 'Due',
      bookId: 'Book',
      rentalId: 'Rental',
      customerId: 'Customer',
      imported: 'Imported',
      updated: 'Updated',
      unchanged: 'Unchanged',
      leftOut: 'Left out',
    },
    subjects: {
      Book: 'Book',
      BookCopy: 'Copy',
      Import: 'Import',
      Rental: 'Rental',
      Fee: 'Fee',
      Delivery: 'Delivery',
      WaitlistEntry: 'Waitlist entry',
      Customer: 'Customer',
      DeadLetter: 'Dead letter',
    },
  },
  ko: {
    title: '작업 기록',
    service: '서비스',
    all: '전체',
    action: '작업',
    actor: '작업한 계정',
    subject: '대상 ID',
    from: '시작일',
    to: '종료일(당일 포함)',
    none: '조건에 맞는 기록이 없습니다.',
    when: '시각',
    who: '작업자',
    about: '대상',
    details: '내용',
    gone: '삭제된 계정',
    hint: '응답하지 않는 서비스가 있으면 전체 기록을 볼 수 없습니다. 서비스를 선택하면 그 서비스의 기록만 볼 수 있습니다.',
    actions: {
      addBook: '도서 등록',
      updateBook: '도서 수정',
      addCopies: '책 추가',
      withdrawCopies: '책 폐기',
      inspectCopy: '검수',
      receiveCopy: '분실 도서 회수',
      importBooks: '도서 가져오기',
      cancelRental: '대여 취소',
      renewRental: '대여 연장',
      returnRental: '반납 접수',
      reportRentalLost: '분실 신고',
      payFee: '요금 결제',
      waiveFee: '요금 면제',
      recordTrackingEvent: '배송 스캔',
      leaveWaitlist: '대기 취소',
      setRoles: '권한 변경',
      replayDeadLetter: '실패 이벤트 재처리',
      dropDeadLetter: '실패 메시지 삭제',
    },
    names: {
      change: '변경',
      from: '이전 상태',
      status: '상태',
      scan: '스캔',
      fields: '항목',
      version: '버전',
      count: '권수',
      copies: '권수',
      condition: '책 상태',
      kind: '종류',
      amount: '금액',
      dueAt: '반납 예정일',
      bookId: '도서',
      rentalId: '대여',
      customerId: '회원',
      imported: '새로 등록',
      updated: '수정',
      unchanged: '변경 없음',
      leftOut: '제외',
    },
    subjects: {
      Book: '도서',
      BookCopy: '책',
      Import: '가져오기',
      Rental: '대여',
      Fee: '요금',
      Delivery: '배송',
      WaitlistEntry: '대기',
      Customer: '회원',
      DeadLetter: '실패 이벤트',
    },
  },
});

const PAGE = 50;

export default function AuditLog() {
  const words = useWords();
  const serviceWords = useServiceWords();
  const [address] = useSearchParams();
  const given = (name: string) => address.get(name) ?? undefined;
  return (
    <Page title={words.title}>
      <FilterForm>
        <Choice name="service" label={words.service} defaultValue={given('service')}>
          <option value="">{words.all}</option>
          {services.map((service) => (
            <option key={service} value={service}>
              {serviceWords[service]}
            </option>
          ))}
        </Choice>
        <Choice name="action" label={words.action} defaultValue={given('action')}>
          <option value="">{words.all}</option>
          {Object.entries(words.actions).map(([action, name]) => (
            <option key={action} value={action}>
              {name}
            </option>
          ))}
        </Choice>
        <Field name="actor" label={words.actor} defaultValue={given('actor')} />
        <Field name="subject" label={words.subject} defaultValue={given('subject')} />
        <Field name="from" type="date" label={words.from} defaultValue={given('from')} />
        <Field name="to" type="date" label={words.to} defaultValue={given('to')} />
      </FilterForm>
      <Entries key={address.toString()} address={address} />
    </Page>
  );
}

function Entries({ address }: { address: URLSearchParams }) {
  const words = useWords();
  const filter = auditFilterOf(address);
  const log = usePages(AuditLogDocument, { first: PAGE, filter }, ({ auditLog }) => auditLog);
  return (
    <>
      <Silence error={log.error} />
      {log.error && !filter.service && <p>{words.hint}</p>}
      <List of={log} none={words.none}>
        {(entries) => (
          <div className="table">
            <table>
              <thead>
                <tr>
                  <th scope="col">{words.when}</th>
                  <th scope="col">{words.action}</th>
                  <th scope="col">{words.who}</th>
                  <th scope="col">{words.about}</th>
                  <th scope="col">{words.details}</th>
                </tr>
              </thead>
              <tbody>
                {entries.map((entry) => (
                  <Entry key={`${entry.service} ${entry.id}`} of={entry} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </List>
    </>
  );
}

type AuditEntry = NonNullable<AuditLogQuery['auditLog']>['edges'][number]['node'];

function Entry({
  of: { occurredAt, action, actorId, actor, roles, subjectType, subjectId, details },
}: {
  of: AuditEntry;
}) {
  const words = useWords();
  const roleWords = useRoleWords();
  const format = useFormat();
  const nameOf = (names: Record<string, string>, name: string) => names[name] ?? name;
  const path = subjectPath(subjectType, subjectId, details);
  const about = `${nameOf(words.subjects, subjectType)} ${subjectId.slice(0, 8)}`;
  return (
    <tr>
      <td>
        <time dateTime={occurredAt}>{format.time(occurredAt)}</time>
      </td>
      <td>{nameOf(words.actions, action)}</td>
      <td>
        {actor ? <Link href={`/customers/${actorId}`}>{actor.email ?? actorId.slice(0, 8)}</Link> : words.gone}
        <small>{format.list(roles.filter((role) => role !== 'CUSTOMER').map((role) => roleWords[role]))}</small>
      </td>
      <td>{path ? <Link href={path}>{about}</Link> : about}</td>
      <td>
        <Details of={details} />
      </td>
    </tr>
  );
}

function Details({ of: details }: { of: unknown }) {
  const words = useWords();
  const format = useFormat();
  const names: Record<string, string> = words.names;
  const { from, to, ...facts } = details as Record<string, unknown>; // a JSON object, by the API
  const changed = to === undefined ? {} : { change: `${inWords(from)} → ${inWords(to)}` };
  const all = { ...(to === undefined && from !== undefined && { from }), ...changed, ...facts };

  function inWords(value: unknown): string {
    if (Array.isArray(value)) return format.list(value.map(inWords));
    if (typeof value === 'object' && value) return JSON.stringify(value);
    if (isJustId(value)) return value.slice(0, 8);
    return isInstant(value) ? format.time(value) : String(value ?? '–');
  }

  return (
    <ul className="details">
      {Object.entries(all).map(([name, value]) => (
        <li key={name}>
          {names[name] ?? name}: <b>{inWords(value)}</b>
        </li>
      ))}
    </ul>
  );
}
