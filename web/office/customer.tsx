import { Page } from '../pieces/page.tsx';

export default function CustomerPage({ id }: { id: string }) {
  return <Page title={`Customer ${id}`}>{null}</Page>;
}
