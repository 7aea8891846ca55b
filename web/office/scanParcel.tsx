/** Scan a parcel's label to go to the parcel; for a courier on the way, one after the other. */
import { useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useAsk } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import { Problem } from '../pieces/states.tsx';
import { OfficeFindDeliveryDocument } from './deliveries.generated.ts';
import { ScanField } from './scanField.tsx';

const useWords = wordsOf({
  en: { scan: 'Tracking number', noSuchParcel: (number: string) => `No such parcel: ${number}` },
  ko: { scan: '송장 번호', noSuchParcel: (number: string) => `없는 송장 번호입니다: ${number}` },
});

export function ScanParcel() {
  const words = useWords();
  const [, go] = useLocation();
  const field = useRef<HTMLInputElement>(null);
  const { ask, asking, error } = useAsk(OfficeFindDeliveryDocument);
  const [unknown, setUnknown] = useState<string>();

  async function scan(trackingNumber: string, told: string): Promise<void> {
    setUnknown(undefined);
    const data = await ask({ trackingNumber });
    if (!data) return;
    const found = data.deliveries?.edges[0]?.node;
    if (found) go(`/deliveries/${found.id}`);
    else setUnknown(told);
  }

  return (
    <>
      <ScanField label={words.scan} field={field} busy={asking} scan={scan}>
        {unknown && (
          <p role="alert" className="said wrong">
            {words.noSuchParcel(unknown)}
          </p>
        )}
      </ScanField>
      <Problem error={error} />
    </>
  );
}
