/** The queue for a book of which no copy can be had: how long it is, and one's own place in it. */
import { useRef, useState } from 'react';
import { Link } from 'wouter';
import { useSend } from '../client/hooks.ts';
import { useAccount } from '../client/session.ts';
import { useFormat } from '../language/format.ts';
import { plural, wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Button, Faults, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import { type BookForMeQuery, JoinWaitlistDocument } from './book.generated.ts';
import type { Book } from './book.tsx';

const useWords = wordsOf({
  en: {
    length: (length: number) =>
      length === 0
        ? 'Nobody waits for it yet.'
        : plural(length, { one: 'One reader waits for it.', other: `${length} readers wait for it.` }),
    estimate: (date: string) => `Your turn would come about ${date}.`,
    position: (position: number) =>
      position === 1
        ? 'You wait for this book: the next copy is yours.'
        : `You wait for this book: you are number ${position}.`,
    turn: (date: string) => `Your turn comes about ${date}.`,
    join: 'Join the waitlist',
    signIn: 'Sign in to join the waitlist',
    waitlist: 'My waitlist',
  },
  ko: {
    length: (length: number) => (length === 0 ? '아직 기다리는 분이 없습니다.' : `${length}명이 기다리고 있습니다.`),
    estimate: (date: string) => `지금 신청하면 ${date}쯤 받을 수 있습니다.`,
    position: (position: number) =>
      position === 1 ? '대기 중입니다. 다음 순서입니다.' : `대기 중입니다. 현재 ${position}번째입니다.`,
    turn: (date: string) => `예상 시기는 ${date}쯤입니다.`,
    join: '대기 신청',
    signIn: '로그인하고 대기 신청',
    waitlist: '내 대기 목록',
  },
});

interface WaitingProps {
  book: Book;
  /** One's own, once it is known. */
  place: NonNullable<NonNullable<BookForMeQuery['me']>['waitlist']>[number] | undefined;
  known: boolean;
}

export function Waiting({ book: { id, waitlist }, place, known }: WaitingProps) {
  const words = useWords();
  const format = useFormat();
  const ownPlace = useRef<HTMLDivElement>(null);
  return (
    <div className="waiting">
      <div role="status" ref={ownPlace} tabIndex={-1}>
        {place?.position && <p>{words.position(place.position)}</p>}
        {place?.estimatedAt && <p>{words.turn(format.date(place.estimatedAt))}</p>}
      </div>
      {place ? (
        <Link href="/waitlist">{words.waitlist}</Link>
      ) : (
        <>
          <p>{words.length(waitlist.length)}</p>
          {waitlist.estimatedAt && <p>{words.estimate(format.date(waitlist.estimatedAt))}</p>}
          {known && <Join bookId={id} joined={() => ownPlace.current?.focus()} />}
        </>
      )}
    </div>
  );
}

interface JoinProps {
  bookId: string;
  /** The button goes away then, so the focus has to go elsewhere. */
  joined(): void;
}

function Join({ bookId, joined }: JoinProps) {
  const words = useWords();
  const account = useAccount();
  const { send, sending, error } = useSend(JoinWaitlistDocument);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const { rest } = useFaults(errors, []);
  if (!account)
    return (
      <Link href={`/sign-in?to=${encodeURIComponent(`/books/${bookId}`)}`} className="button main">
        {words.signIn}
      </Link>
    );
  return (
    <>
      <Faults of={rest} />
      <Problem error={error} />
      <Button
        kind="main"
        busy={sending}
        onClick={async () => {
          const answer = (await send({ bookId }))?.joinWaitlist;
          setErrors(answer?.userErrors ?? []);
          if (answer?.entry) joined();
        }}
      >
        {words.join}
      </Button>
    </>
  );
}
