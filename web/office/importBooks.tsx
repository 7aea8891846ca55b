import { Page } from '../pieces/page.tsx';

export default function ImportBooks() {
  return <Page title="Import">{null}</Page>;
}
