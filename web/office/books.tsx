import { Page } from '../pieces/page.tsx';

export default function Books() {
  return <Page title="Books">{null}</Page>;
}
