import { Page } from '../pieces/page.tsx';

export default function Today() {
  return <Page title="Today">{null}</Page>;
}
