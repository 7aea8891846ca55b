import { Page } from '../pieces/page.tsx';

export default function SignUp() {
  return <Page title="SignUp">{null}</Page>;
}
