import { Page } from '../pieces/page.tsx';

export default function Orders() {
  return <Page title="Orders">{null}</Page>;
}
