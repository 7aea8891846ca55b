import { Page } from '../pieces/page.tsx';

export default function Rentals() {
  return <Page title="Rentals">{null}</Page>;
}
