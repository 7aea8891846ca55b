/** What the reader waits for: offers first, each with the time that is left to take it. */
import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { useRead, useSend } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Confirm } from '../pieces/confirm.tsx';
import { Button, Faults, useFaults } from '../pieces/form.tsx';
import { Page } from '../pieces/page.tsx';
import { Empty, Loading, Problem } from '../pieces/states.tsx';
import { LeaveWaitlistDocument, MyWaitlistDocument, type MyWaitlistQuery } from './waitlist.generated.ts';
import './orders.css';

const useWords = wordsOf({
  en: {
    title: 'Waitlist',
    none: 'You are not waiting for any book.',
    how: 'When all copies of a book are out, its page lets you join the waitlist.',
    find: 'Find a book',
    place: (place: string) => `You are number ${place}.`,
    estimate: (day: string) => `A copy is expected around ${day}.`,
    since: (day: string) => `Since ${day}`,
    offered: (until: string) => `A copy is set aside for you until ${until}.`,
    left: (hours: string, minutes: string) => `${hours} h ${minutes} min left`,
    rent: 'Rent it now',
    leave: 'Leave the waitlist',
    leaveThis: (title: string) => `Leave the waitlist for ${title}`,
    sure: 'Leave the waitlist?',
    losesPlace: 'You lose your place. If you join again, you begin at the end.',
    losesCopy: 'The copy that is set aside for you goes to the next reader.',
    gone: (title: string) => `You no longer wait for ${title}.`,
  },
  ko: {
    title: '대기 목록',
    none: '대기 중인 책이 없습니다.',
    how: '책이 모두 대여 중이면 책 페이지에서 대기를 신청할 수 있습니다.',
    find: '책 찾기',
    place: (place: string) => `대기 순서는 ${place}번째입니다.`,
    estimate: (day: string) => `${day}쯤 대여하실 수 있을 것으로 예상됩니다.`,
    since: (day: string) => `${day} 신청`,
    offered: (until: string) => `${until}까지 책을 따로 보관해 드립니다.`,
    left: (hours: string, minutes: string) => `${hours}시간 ${minutes}분 남음`,
    rent: '지금 대여하기',
    leave: '대기 취소',
    leaveThis: (title: string) => `${title} 대기 취소`,
    sure: '대기를 취소할까요?',
    losesPlace: '대기 순서가 사라집니다. 다시 신청하면 맨 뒤에서 시작합니다.',
    losesCopy: '보관 중인 책은 다음 대기자에게 돌아갑니다.',
    gone: (title: string) => `${title} 대기를 취소했습니다.`,
  },
});

/** Nothing tells of an offer here, so it is asked for. */
const ASKED_MS = 15_000;

type Entry = NonNullable<NonNullable<MyWaitlistQuery['me']>['waitlist']>[number];

export default function Waitlist() {
  const words = useWords();
  const { data, loading, error, again } = useRead(MyWaitlistDocument, {}, { everyMs: ASKED_MS });
  const { send, sending, error: notSent } = useSend(LeaveWaitlistDocument);
  const [leaving, setLeaving] = useState<Entry | null>(null);
  const [left, setLeft] = useState('');
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { rest } = useFaults(errors, []);
  const entries = data?.me?.waitlist;
  const outcome = useRef<HTMLDivElement>(null);
  const offered = entries?.filter(({ status }) => status === 'OFFERED') ?? [];
  const waiting = entries?.filter(({ status }) => status === 'WAITING') ?? [];

  // The button that was pressed is gone.
  useEffect(() => {
    if (left || errors.length) outcome.current?.focus();
  }, [left, errors]);

  async function leave(entry: Entry) {
    const data = await send({ entryId: entry.id });
    setLeaving(null);
    if (!data) return;
    setErrors(data.leaveWaitlist.userErrors);
    if (!data.leaveWaitlist.userErrors.length) setLeft(words.gone(entry.book.title));
  }

  return (
    <Page title={words.title}>
      <Problem error={error ?? notSent} again={again} />
      <div ref={outcome} tabIndex={-1}>
        <Faults of={rest} />
        <p role="status">{left}</p>
      </div>
      {loading && <Loading />}
      {entries && !offered.length && !waiting.length && (
        <Empty>
          <p>{words.none}</p>
          <p>{words.how}</p>
          <Link href="/">{words.find}</Link>
        </Empty>
      )}
      <ul className="waiting">
        {[...offered, ...waiting].map((entry) => (
          <Waiting key={entry.id} entry={entry} leave={() => setLeaving(entry)} />
        ))}
      </ul>
      {leaving && (
        <Confirm
          title={words.sure}
          confirm={words.leave}
          busy={sending}
          go={() => leave(leaving)}
          close={() => setLeaving(null)}
        >
          <p>{leaving.book.title}</p>
          <p>{leaving.status === 'OFFERED' ? words.losesCopy : words.losesPlace}</p>
        </Confirm>
      )}
    </Page>
  );
}

function Waiting({ entry, leave }: { entry: Entry; leave(): void }) {
  const words = useWords();
  const format = useFormat();
  const { book, position, estimatedAt, offerExpiresAt, joinedAt } = entry;
  return (
    <li className={`card ${offerExpiresAt ? 'offer' : ''}`}>
      <h2>
        <Link href={`/books/${book.id}`}>{book.title}</Link>
      </h2>
      <p>
        {format.list(book.authors)} · {words.since(format.date(joinedAt))}
      </p>
      {offerExpiresAt && (
        <p>
          <strong>{words.offered(format.time(offerExpiresAt))}</strong> <TimeLeft until={offerExpiresAt} />
        </p>
      )}
      {position && (
        <p>
          {words.place(format.number(position))} {estimatedAt && words.estimate(format.date(estimatedAt))}
        </p>
      )}
      <p className="buttons">
        {offerExpiresAt && (
          <Link href={`/books/${book.id}/rent`} className="button main">
            {words.rent}
          </Link>
        )}
        <Button onClick={leave} aria-label={words.leaveThis(book.title)}>
          {words.leave}
        </Button>
      </p>
    </li>
  );
}

const MINUTE_MS = 60_000;

/** By the minute, and not read out at each: it presses nobody. */
function TimeLeft({ until }: { until: string }) {
  const words = useWords();
  const format = useFormat();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  const minutes = Math.max(0, Math.ceil((Date.parse(until) - now) / MINUTE_MS));
  return <span role="timer">{words.left(format.number(Math.floor(minutes / 60)), format.number(minutes % 60))}</span>;
}
