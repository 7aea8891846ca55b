import { Page } from '../pieces/page.tsx';

export default function Deliveries() {
  return <Page title="Deliveries">{null}</Page>;
}
