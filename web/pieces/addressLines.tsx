/** A postal address as an envelope has it: in Korean from the large to the small. */
import { useFormat } from '../language/format.ts';
import { useLanguage } from '../language/language.ts';

export interface Address {
  name: string;
  line1: string;
  line2: string | null;
  city: string;
  postalCode: string;
  country: string;
  phone: string | null;
}

export function AddressLines({ name, line1, line2, city, postalCode, country, phone }: Address) {
  const format = useFormat();
  const lines =
    useLanguage() === 'ko'
      ? [name, `(${postalCode}) ${city} ${line1} ${line2 ?? ''}`, country === 'KR' ? null : format.country(country)]
      : [name, line1, line2, `${postalCode} ${city}`, format.country(country)];
  return <span className="address-lines">{[...lines, phone].filter(Boolean).join('\n')}</span>;
}
