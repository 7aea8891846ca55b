import { Page } from '../pieces/page.tsx';

export default function Office() {
  return <Page title="Office">{null}</Page>;
}
