import { Page } from '../pieces/page.tsx';

export default function RentalPage({ id }: { id: string }) {
  return <Page title={`Rental ${id}`}>{null}</Page>;
}
