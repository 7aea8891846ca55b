import { Page } from '../pieces/page.tsx';

export default function DeadLetters() {
  return <Page title="Dead letters">{null}</Page>;
}
