import { Page } from '../pieces/page.tsx';

export default function DeliveryPage({ id }: { id: string }) {
  return <Page title={`Delivery ${id}`}>{null}</Page>;
}
