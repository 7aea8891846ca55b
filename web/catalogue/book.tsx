import { Page } from '../pieces/page.tsx';

export default function BookPage({ id }: { id: string }) {
  return <Page title="BookPage">{id}</Page>;
}
