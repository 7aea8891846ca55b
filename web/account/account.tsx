import { Page } from '../pieces/page.tsx';

export default function Account() {
  return <Page title="Account">{null}</Page>;
}
