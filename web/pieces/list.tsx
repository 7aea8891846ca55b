/** A list that is read page by page, and what stands in its place while there is nothing to be shown. */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { Connection, NodeOf, Pages } from '../client/pages.ts';
import { wordsOf } from '../language/language.ts';
import { Button } from './form.tsx';
import { Empty, Loading, Problem } from './states.tsx';

const useWords = wordsOf({
  en: { more: 'Show more', all: 'That is all.' },
  ko: { more: '더 보기', all: '모두 표시했습니다.' },
});

interface ListProps<Found extends Connection> {
  of: Pages<Found>;
  /** For when there is nothing. */
  none: ReactNode;
  children(nodes: readonly NodeOf<Found>[]): ReactNode;
}

export function List<Found extends Connection>({ of: list, none, children }: ListProps<Found>) {
  const { key, first, nodes, loading, refreshing, error, again } = list;
  return (
    <div aria-busy={refreshing}>
      <Problem error={error} again={again} />
      {loading && <Loading />}
      {first && !nodes.length && none && <Empty>{none}</Empty>}
      {nodes.length > 0 && children(nodes)}
      <More key={key} of={list} />
    </div>
  );
}

/** After the last page it says so, where the focus is. */
function More({ of: { more, refreshing } }: { of: Pick<Pages<Connection>, 'more' | 'refreshing'> }) {
  const words = useWords();
  const [pressed, setPressed] = useState(false);
  const end = useRef<HTMLParagraphElement>(null);
  const ended = pressed && !more;
  useEffect(() => {
    if (ended) end.current?.focus();
  }, [ended]);
  if (ended)
    return (
      <p className="more" ref={end} tabIndex={-1}>
        {words.all}
      </p>
    );
  if (!more) return null;
  return (
    <p className="more">
      <Button
        busy={refreshing}
        onClick={() => {
          setPressed(true);
          more();
        }}
      >
        {words.more}
      </Button>
    </p>
  );
}
