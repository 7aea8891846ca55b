/** Fields for a postal address, in the order in which the reader's language writes one. */
import { iso31661 } from 'iso-3166';
import type { ComponentProps } from 'react';
import { useFormat } from '../language/format.ts';
import { type Language, useLanguage, wordsOf } from '../language/language.ts';
import { Choice, type Fault, Field } from './form.tsx';

/** The names of the fields, as in AddressInput. */
export const addressNames = ['name', 'line1', 'line2', 'city', 'postalCode', 'country', 'phone'] as const;
type Name = (typeof addressNames)[number];

const useWords = wordsOf({
  en: {
    labels: {
      name: 'Name',
      line1: 'Street and number',
      line2: 'Flat, floor or company (optional)',
      city: 'Town or city',
      postalCode: 'Postal code',
      country: 'Country',
      phone: 'Phone (optional)',
    },
    choose: 'Choose a country',
  },
  ko: {
    labels: {
      name: '받는 분',
      line1: '주소',
      line2: '상세 주소 (선택)',
      city: '도시',
      postalCode: '우편번호',
      country: '국가',
      phone: '연락처 (선택)',
    },
    choose: '국가를 선택해 주세요',
  },
});

const order: Record<Language, readonly Name[]> = {
  en: addressNames,
  ko: ['name', 'phone', 'country', 'postalCode', 'city', 'line1', 'line2'],
};

/** Not blanks alone. */
const something = { required: true, pattern: '.*\\S.*' };

const inputs: Record<Exclude<Name, 'country'>, ComponentProps<'input'>> = {
  name: { autoComplete: 'name', ...something },
  line1: { autoComplete: 'address-line1', ...something },
  line2: { autoComplete: 'address-line2' },
  city: { autoComplete: 'address-level2', ...something },
  postalCode: { autoComplete: 'postal-code', ...something },
  phone: { autoComplete: 'tel', type: 'tel' },
};

interface AddressFieldsProps {
  /** What they begin with. */
  address?: Partial<Record<Name, string | null>> | undefined;
  /** What is said against a field. */
  at(name: Name): Fault | undefined;
}

export function AddressFields({ address = {}, at }: AddressFieldsProps) {
  const words = useWords();
  const language = useLanguage();
  return order[language].map((name) => {
    const field = { name, label: words.labels[name], error: at(name), defaultValue: address[name] ?? '' };
    if (name === 'country') return <Country key={name} {...field} choose={words.choose} />;
    return <Field key={name} {...field} {...inputs[name]} maxLength={200} />;
  });
}

interface CountryProps {
  name: Name;
  label: string;
  error: Fault | undefined;
  defaultValue: string;
  choose: string;
}

/** In Korean Korea is the first, and chosen to begin with. */
function Country({ defaultValue, choose, ...choice }: CountryProps) {
  const format = useFormat();
  const korean = useLanguage() === 'ko';
  const named = countries.map((code) => ({ code, country: format.country(code) }));
  named.sort(
    (a, b) =>
      Number(korean && b.code === 'KR') - Number(korean && a.code === 'KR') || format.compare(a.country, b.country),
  );
  return (
    <Choice {...choice} defaultValue={defaultValue || (korean ? 'KR' : '')} autoComplete="country" required>
      <option value="">{choose}</option>
      {named.map(({ code, country }) => (
        <option key={code} value={code}>
          {country}
        </option>
      ))}
    </Choice>
  );
}

const countries: string[] = iso31661.filter(({ state }) => state === 'assigned').map(({ alpha2 }) => alpha2);
