import { Page } from '../pieces/page.tsx';

export default function AuditLog() {
  return <Page title="Audit log">{null}</Page>;
}
