import { useEffect, useRef, useState } from 'react';
import { useSend } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { AddressLines } from '../pieces/addressLines.tsx';
import { Confirm } from '../pieces/confirm.tsx';
import { Button, Faults, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import type { MyAccountQuery } from './account.generated.ts';
import { DeleteAddressDocument } from './addresses.generated.ts';
import { AddressForm } from './addressForm.tsx';

const useWords = wordsOf({
  en: {
    title: 'Addresses',
    none: 'No address is kept here yet.',
    default: 'Default',
    add: 'Add an address',
    edit: 'Edit',
    editThis: (label: string) => `Edit the address ${label}`,
    delete: 'Delete',
    deleteThis: (label: string) => `Delete the address ${label}`,
    sure: 'Delete this address?',
    saved: 'The address is saved.',
    deleted: 'The address is deleted.',
  },
  ko: {
    title: '배송지',
    none: '저장된 배송지가 없습니다.',
    default: '기본 배송지',
    add: '배송지 추가',
    edit: '수정',
    editThis: (label: string) => `배송지 ${label} 수정`,
    delete: '삭제',
    deleteThis: (label: string) => `배송지 ${label} 삭제`,
    sure: '이 배송지를 삭제할까요?',
    saved: '배송지가 저장되었습니다.',
    deleted: '배송지가 삭제되었습니다.',
  },
});

export type SavedAddress = NonNullable<NonNullable<MyAccountQuery['me']>['addresses']>[number];

export function Addresses({ addresses }: { addresses: readonly SavedAddress[] }) {
  const words = useWords();
  const { send, sending, error } = useSend(DeleteAddressDocument);
  const [edited, setEdited] = useState<SavedAddress | 'NEW' | null>(null);
  const [deleting, setDeleting] = useState<SavedAddress | null>(null);
  const [done, setDone] = useState<'saved' | 'deleted' | null>(null);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { rest } = useFaults(errors, []);
  const outcome = useRef<HTMLDivElement>(null);

  // The button that was pressed is gone.
  useEffect(() => {
    if (done || errors.length) outcome.current?.focus();
  }, [done, errors]);

  async function remove({ id }: SavedAddress) {
    const data = await send({ id });
    setDeleting(null);
    setErrors(data?.deleteAddress.userErrors ?? []);
    setDone(data && !data.deleteAddress.userErrors.length ? 'deleted' : null);
  }

  function edit(address: SavedAddress | 'NEW') {
    setDone(null);
    setEdited(address);
  }

  return (
    <section className="card" aria-labelledby="addresses">
      <h2 id="addresses">{words.title}</h2>
      <div ref={outcome} tabIndex={-1}>
        <p role="status">{done && words[done]}</p>
        <Faults of={rest} />
      </div>
      <Problem error={error} />
      {addresses.length === 0 && <p>{words.none}</p>}
      <ul className="addresses">
        {addresses.map((address) => (
          <li key={address.id}>
            <strong>{address.label}</strong> {address.isDefault && <span className="badge">{words.default}</span>}
            <AddressLines {...address} />
            <p className="buttons">
              <Button aria-label={words.editThis(address.label)} onClick={() => edit(address)}>
                {words.edit}
              </Button>
              <Button aria-label={words.deleteThis(address.label)} onClick={() => setDeleting(address)}>
                {words.delete}
              </Button>
            </p>
          </li>
        ))}
      </ul>
      <Button onClick={() => edit('NEW')}>{words.add}</Button>
      {edited && (
        <AddressForm
          address={edited === 'NEW' ? null : edited}
          close={() => setEdited(null)}
          saved={() => {
            setEdited(null);
            setDone('saved');
          }}
        />
      )}
      {deleting && (
        <Confirm
          title={words.sure}
          confirm={words.delete}
          busy={sending}
          go={() => remove(deleting)}
          close={() => setDeleting(null)}
        >
          <AddressLines {...deleting} />
        </Confirm>
      )}
    </section>
  );
}
