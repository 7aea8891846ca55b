/** The parcels, for who carries them: scan one, or find it in the list. */

import { Link, useSearchParams } from 'wouter';
import { usePages } from '../client/pages.ts';
import { wordsOf } from '../language/language.ts';
import { DeliveryBadge } from '../pieces/badges.tsx';
import { Choice } from '../pieces/form.tsx';
import { List } from '../pieces/list.tsx';
import { Page } from '../pieces/page.tsx';
import { useStatusWords } from '../pieces/words.ts';
import { type DeliveryFilter, OfficeDeliveriesDocument } from './deliveries.generated.ts';
import { FilterForm, StatusTicks, StuckField } from './filterForm.tsx';
import { deliveryFilterOf, deliveryStatuses, directions } from './filters.ts';
import { ScanParcel } from './scanParcel.tsx';

const useWords = wordsOf({
  en: {
    title: 'Deliveries',
    direction: 'Direction',
    both: 'Both',
    list: 'Parcels, the newest first',
    none: 'No parcels.',
    noNumber: 'No tracking number yet',
    noRecipient: 'Recipient not known',
  },
  ko: {
    title: '배송',
    direction: '구분',
    both: '전체',
    list: '배송 목록(최신순)',
    none: '배송이 없습니다.',
    noNumber: '송장 번호 없음',
    noRecipient: '받는 분 정보 없음',
  },
});

const PAGE = 25;
const REFRESH_MS = 30_000;

export default function Deliveries() {
  const words = useWords();
  const status = useStatusWords();
  const [address] = useSearchParams();
  const filter = deliveryFilterOf(address);
  return (
    <Page title={words.title}>
      <ScanParcel />
      <FilterForm>
        <StatusTicks of={deliveryStatuses} words={status.delivery} chosen={filter.status} />
        <Choice name="direction" label={words.direction} defaultValue={filter.direction ?? ''}>
          <option value="">{words.both}</option>
          {directions.map((one) => (
            <option key={one} value={one}>
              {status.direction[one]}
            </option>
          ))}
        </Choice>
        <StuckField minutes={filter.stuckForMinutes} />
      </FilterForm>
      <section>
        <h2>{words.list}</h2>
        <Parcels key={address.toString()} filter={filter} />
      </section>
    </Page>
  );
}

function Parcels({ filter }: { filter: DeliveryFilter }) {
  const words = useWords();
  const status = useStatusWords();
  const parcels = usePages(OfficeDeliveriesDocument, { first: PAGE, filter }, ({ deliveries }) => deliveries, {
    everyMs: REFRESH_MS,
  });
  return (
    <List of={parcels} none={words.none}>
      {(nodes) => (
        <ul className="parcels">
          {nodes.map((parcel) => (
            <li key={parcel.id}>
              <Link href={`/deliveries/${parcel.id}`} className="card">
                <strong>{parcel.trackingNumber ?? words.noNumber}</strong>
                <DeliveryBadge status={parcel.status} />
                <span>{status.direction[parcel.direction]}</span>
                <span>{parcel.recipient ?? words.noRecipient}</span>
                {parcel.address && (
                  <span>
                    {parcel.address.line1}, {parcel.address.city} {parcel.address.postalCode}
                  </span>
                )}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </List>
  );
}
