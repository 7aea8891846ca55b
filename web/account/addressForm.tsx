import { useState } from 'react';
import { useSend } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { AddressFields, addressNames } from '../pieces/addressFields.tsx';
import { Dialog } from '../pieces/dialog.tsx';
import { Button, Faults, Field, Tick, typed, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import { SaveAddressDocument } from './addresses.generated.ts';
import type { SavedAddress } from './addresses.tsx';

const useWords = wordsOf({
  en: {
    add: 'Add an address',
    edit: 'Edit the address',
    label: 'What you call it',
    example: 'Home, office …',
    default: 'Deliver here unless I say otherwise',
    close: 'Go back',
    save: 'Save',
  },
  ko: {
    add: '배송지 추가',
    edit: '배송지 수정',
    label: '배송지 이름',
    example: '집, 회사 등',
    default: '기본 배송지로 사용',
    close: '돌아가기',
    save: '저장',
  },
});

interface AddressFormProps {
  /** Null for a new one. */
  address: SavedAddress | null;
  saved(): void;
  close(): void;
}

export function AddressForm({ address, saved, close }: AddressFormProps) {
  const words = useWords();
  const { send, sending, error } = useSend(SaveAddressDocument);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { at, rest } = useFaults(errors, ['label', ...addressNames]);

  return (
    <Dialog title={address ? words.edit : words.add} close={close}>
      <form
        onSubmit={async (event) => {
          const { label = '', name = '', line1 = '', line2, city = '', postalCode = '', ...rest } = typed(event);
          const { country = '', phone, isDefault } = rest;
          const lines = { name, line1, line2: line2 ?? null, city, postalCode, country, phone: phone ?? null };
          const id = address && { id: address.id };
          const data = await send({ input: { ...id, label, ...lines, isDefault: isDefault !== undefined } });
          if (!data) return;
          setErrors(data.saveAddress.userErrors);
          if (!data.saveAddress.userErrors.length) saved();
        }}
      >
        <Field
          name="label"
          label={words.label}
          hint={words.example}
          defaultValue={address?.label}
          required
          maxLength={100}
          error={at('label')}
        />
        <AddressFields address={address ?? {}} at={at} />
        <Tick name="isDefault" label={words.default} defaultChecked={address?.isDefault ?? false} />
        <Faults of={rest} />
        <Problem error={error} />
        <p className="buttons">
          <Button onClick={close}>{words.close}</Button>
          <Button type="submit" kind="main" busy={sending}>
            {words.save}
          </Button>
        </p>
      </form>
    </Dialog>
  );
}
