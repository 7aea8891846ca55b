import { Page } from '../pieces/page.tsx';

export default function Order({ id }: { id: string }) {
  return <Page title="Order">{id}</Page>;
}
