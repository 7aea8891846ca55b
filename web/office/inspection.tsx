/** The inspection desk: scan a copy, say how it is, scan the next. The hands stay at the scanner and the number keys. */

import { useEffect, useRef, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { useAsk } from '../client/hooks.ts';
import { usePages } from '../client/pages.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Button } from '../pieces/form.tsx';
import { List } from '../pieces/list.tsx';
import { Page } from '../pieces/page.tsx';
import { Problem } from '../pieces/states.tsx';
import { type Copy, CopyForm } from './copyForm.tsx';
import { deskStatuses } from './filters.ts';
import { OfficeCopiesToInspectDocument, OfficeFindCopyDocument } from './inspection.generated.ts';
import { ScanField } from './scanField.tsx';

const useWords = wordsOf({
  en: {
    title: 'Inspection desk',
    scan: 'Barcode of a copy',
    hint: 'Scan, then 1 to 5 for the condition, then Enter.',
    noSuchCopy: (barcode: string) => `No such copy: ${barcode}`,
    lists: 'Lists',
    waiting: { INSPECTING: 'To be inspected', REPAIR: 'In repair' },
    none: { INSPECTING: 'Nothing waits for inspection.', REPAIR: 'Nothing is in repair.' },
    barcode: 'Barcode',
    book: 'Book',
    since: 'Waiting since',
    rental: 'Rental',
    toRental: (barcode: string) => `Rental of ${barcode}`,
  },
  ko: {
    title: '검수대',
    scan: '책 바코드',
    hint: '스캔한 다음 1~5로 상태를 고르고 Enter를 누르세요.',
    noSuchCopy: (barcode: string) => `등록되지 않은 책입니다: ${barcode}`,
    lists: '목록',
    waiting: { INSPECTING: '검수 대기', REPAIR: '수선 중' },
    none: { INSPECTING: '검수할 책이 없습니다.', REPAIR: '수선 중인 책이 없습니다.' },
    barcode: '바코드',
    book: '책',
    since: '대기 시작',
    rental: '대여',
    toRental: (barcode: string) => `${barcode} 대여 보기`,
  },
});

const PAGE = 25;
const REFRESH_MS = 30_000;

export default function Inspection() {
  const words = useWords();
  const field = useRef<HTMLInputElement>(null);
  const { ask, asking, error } = useAsk(OfficeFindCopyDocument);
  const [copy, setCopy] = useState<Copy>();
  const [saved, setSaved] = useState<string>();
  const [unknown, setUnknown] = useState<string>();
  const form = useRef<HTMLFormElement>(null);
  /** What is being saved just now. */
  const saving = useRef<Promise<boolean>>();
  useEffect(() => field.current?.focus(), []);

  function save(work: () => Promise<boolean>): void {
    saving.current ??= work().finally(() => {
      saving.current = undefined;
    });
  }

  function show(copy: Copy | undefined): void {
    setCopy(copy);
    setSaved(undefined);
    setUnknown(undefined);
    field.current?.focus();
  }

  /** Waits for the copy on the desk to be saved. Where that is refused it stays there, and says why. */
  async function next(copy: Copy | undefined): Promise<boolean> {
    const isSaved = (await saving.current) ?? true;
    if (isSaved) show(copy);
    return isSaved;
  }

  async function scan(barcode: string, told: string): Promise<void> {
    if (!(await next(undefined))) return;
    const data = await ask({ barcode });
    if (!data) return;
    const found = data.copies?.edges[0]?.node;
    setCopy(found);
    if (!found) setUnknown(told);
  }

  return (
    <Page title={words.title}>
      <ScanField
        label={words.scan}
        hint={words.hint}
        field={field}
        busy={asking}
        scan={scan}
        empty={() => form.current?.requestSubmit()}
      >
        <div role="status">
          {copy && <span className="visually-hidden">{copy.book.title}</span>}
          {saved && <p className="said">{saved}</p>}
        </div>
        {unknown && (
          <p role="alert" className="said wrong">
            {words.noSuchCopy(unknown)}
          </p>
        )}
      </ScanField>
      <Problem error={error} />
      {copy && (
        <CopyForm
          key={`${copy.id} ${copy.status}`}
          copy={copy}
          form={form}
          save={save}
          received={setCopy}
          saved={(text) => {
            show(undefined);
            setSaved(text);
          }}
        />
      )}
      <Waiting open={(copy) => void next(copy)} />
    </Page>
  );
}

/** Those that have waited longest come first. */
function Waiting({ open }: { open(copy: Copy): void }) {
  const words = useWords();
  const [address] = useSearchParams();
  const status = deskStatuses.find((one) => one === address.get('status')) ?? 'INSPECTING';
  return (
    <section>
      <nav aria-label={words.lists} className="tabs">
        {deskStatuses.map((one) => (
          <Link
            key={one}
            href={one === 'INSPECTING' ? '/inspection' : `/inspection?status=${one}`}
            aria-current={one === status ? 'page' : undefined}
          >
            {words.waiting[one]}
          </Link>
        ))}
      </nav>
      <h2 className="visually-hidden">{words.waiting[status]}</h2>
      <WaitingTable key={status} status={status} open={open} />
    </section>
  );
}

function WaitingTable({ status, open }: { status: (typeof deskStatuses)[number]; open(copy: Copy): void }) {
  const words = useWords();
  const format = useFormat();
  const copies = usePages(OfficeCopiesToInspectDocument, { first: PAGE, status: [status] }, ({ copies }) => copies, {
    everyMs: REFRESH_MS,
  });
  // One that was inspected a moment ago is still in the list that was read before.
  const waiting = { ...copies, nodes: copies.nodes.filter((copy) => copy.status === status) };
  return (
    <List of={waiting} none={words.none[status]}>
      {(nodes) => (
        <div className="table">
          <table>
            <thead>
              <tr>
                <th scope="col">{words.barcode}</th>
                <th scope="col">{words.book}</th>
                <th scope="col">{words.since}</th>
                <th scope="col">{words.rental}</th>
              </tr>
            </thead>
            <tbody>
              {nodes.map((node) => (
                <tr key={node.id}>
                  <th scope="row">
                    <Button onClick={() => open(node)}>{node.barcode}</Button>
                  </th>
                  <td>{node.book.title}</td>
                  <td>{format.ago(node.statusSince)}</td>
                  <td>
                    {node.rental && (
                      <Link href={`/rentals/${node.rental.id}`} aria-label={words.toRental(node.barcode)}>
                        {words.rental}
                      </Link>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </List>
  );
}
