import { Page } from '../pieces/page.tsx';

export default function Customers() {
  return <Page title="Customers">{null}</Page>;
}
