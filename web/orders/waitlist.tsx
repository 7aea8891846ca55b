import { Page } from '../pieces/page.tsx';

export default function Waitlist() {
  return <Page title="Waitlist">{null}</Page>;
}
