/** What a view shows while there is nothing, nothing yet, or no way to ask. */
import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { hasCode } from '../client/client.ts';
import { wordsOf } from '../language/language.ts';
import { Button } from './form.tsx';

const useWords = wordsOf({
  en: {
    loading: 'Loading…',
    again: 'Try again',
    offline: 'You are offline, or the shop cannot be reached. What you see may be old.',
    unavailable: 'A part of the shop does not answer just now. Try again in a moment.',
    tooOften: 'That was a lot at once. Wait a moment, then try again.',
    ended: 'Your session had ended, so this was not done. Try again.',
    notAllowed: 'Your account may not see this.',
    broken: (id: string) => `Something is broken on our side.${id && ` Tell us this number: ${id}`}`,
  },
  ko: {
    loading: '불러오는 중…',
    again: '다시 시도',
    offline: '오프라인이거나 서점에 연결할 수 없습니다. 보이는 내용이 최신이 아닐 수 있습니다.',
    unavailable: '지금 일부 서비스가 응답하지 않습니다. 잠시 후 다시 시도해 주세요.',
    tooOften: '요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.',
    ended: '로그인이 만료되어 처리하지 못했습니다. 다시 시도해 주세요.',
    notAllowed: '이 계정으로는 볼 수 없습니다.',
    broken: (id: string) => `저희 쪽에 문제가 생겼습니다.${id && ` 문의하실 때 이 번호를 알려 주세요: ${id}`}`,
  },
});

export function Loading() {
  const words = useWords();
  return (
    <p className="state" role="status">
      {words.loading}
    </p>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <div className="state empty">{children}</div>;
}

/** Why the server could not be asked, or did not answer; null without an error. */
export function Problem({ error, again }: { error: CombinedError | undefined; again?: (() => void) | undefined }) {
  const words = useWords();
  const say = useProblem();
  if (!error) return null;
  return (
    <div role="alert" className="problem">
      <p>{say(error)}</p>
      {again && <Button onClick={again}>{words.again}</Button>}
    </div>
  );
}

function useProblem(): (error: CombinedError) => string {
  const words = useWords();
  return (error) => {
    if (error.networkError && !error.response) return words.offline;
    if (hasCode(error, 'REQUEST_RATE_LIMITED', 'REQUEST_CONCURRENCY_LIMITED', 'OVERLOADED')) return words.tooOften;
    if (hasCode(error, 'SERVICE_UNAVAILABLE') || isFromProxy(error)) return words.unavailable;
    if (hasCode(error, 'UNAUTHENTICATED')) return words.ended;
    if (hasCode(error, 'FORBIDDEN')) return words.notAllowed;
    const id = error.graphQLErrors.map(({ extensions }) => extensions.id).find((id) => typeof id === 'string');
    return words.broken(String(id ?? ''));
  };
}

/** While the router starts again, what is in front of it answers, and not in GraphQL. */
const isFromProxy = ({ networkError, response }: CombinedError): boolean =>
  networkError !== undefined && [502, 503, 504].includes(response?.status);
