import { Page } from '../pieces/page.tsx';

export default function Rent({ bookId }: { bookId: string }) {
  return <Page title="Rent">{bookId}</Page>;
}
