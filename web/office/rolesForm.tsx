/** An admin says what an account may do. */
import { useState } from 'react';
import type { Role } from '../client/enums.generated.ts';
import { useSend } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import { type UserError, useRefusal } from '../language/refusals.ts';
import { Button, Faults, Tick } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import { OfficeSetRolesDocument } from './customer.generated.ts';
import { useRoleWords } from './words.ts';

const useWords = wordsOf({
  en: {
    title: 'Roles',
    may: {
      STAFF: 'Runs the shop: rentals, inspections, customers, books.',
      COURIER: 'Sees parcels and their addresses, and records scans.',
    },
    when: 'Counts after signing in again, or within 15 minutes.',
    admin: 'Administration is not given here: those have it whose e-mail the shop’s setting SUPERUSER names.',
    hasAdmin: 'This account has it.',
    save: 'Save the roles',
    saved: 'Saved.',
  },
  ko: {
    title: '권한',
    may: {
      STAFF: '서점 운영: 대여, 검수, 회원, 도서를 관리합니다.',
      COURIER: '배송과 배송지를 보고 스캔을 기록합니다.',
    },
    when: '다시 로그인하면 바로, 그렇지 않으면 15분 안에 적용됩니다.',
    admin: '관리자 권한은 여기서 줄 수 없습니다. 서점 설정 SUPERUSER에 이메일이 지정된 계정이 관리자입니다.',
    hasAdmin: '이 계정은 관리자입니다.',
    save: '권한 저장',
    saved: '저장했습니다.',
  },
});

/** CUSTOMER always stays. */
const given = ['STAFF', 'COURIER'] as const satisfies Role[];

export function RolesForm({ customerId, roles }: { customerId: string; roles: readonly Role[] }) {
  const words = useWords();
  const roleWords = useRoleWords();
  const say = useRefusal();
  const { send, sending, error } = useSend(OfficeSetRolesDocument);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const [saved, setSaved] = useState(false);
  return (
    <section className="card">
      <h2>{words.title}</h2>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          const chosen = new FormData(event.currentTarget);
          const wanted: Role[] = ['CUSTOMER', ...given.filter((role) => chosen.has(role))];
          const answer = (await send({ customerId, roles: wanted }))?.setRoles;
          if (!answer) return;
          setErrors(answer.userErrors);
          setSaved(!answer.userErrors.length);
        }}
      >
        {given.map((role) => (
          <div key={role}>
            <Tick name={role} label={roleWords[role]} defaultChecked={roles.includes(role)} />
            <p className="hint">{words.may[role]}</p>
          </div>
        ))}
        <p className="hint">
          {words.admin} {roles.includes('ADMIN') && words.hasAdmin}
        </p>
        <Faults of={errors.map(say)} />
        <Problem error={error} />
        <p className="buttons">
          <Button type="submit" kind="main" busy={sending}>
            {words.save}
          </Button>
          <span role="status">{saved && `${words.saved} ${words.when}`}</span>
        </p>
      </form>
    </section>
  );
}
