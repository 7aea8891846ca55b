import { Page } from '../pieces/page.tsx';

export default function BookPage({ id }: { id: string }) {
  return <Page title={`Book ${id}`}>{null}</Page>;
}
