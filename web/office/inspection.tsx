import { Page } from '../pieces/page.tsx';

export default function Inspection() {
  return <Page title="Inspection desk">{null}</Page>;
}
