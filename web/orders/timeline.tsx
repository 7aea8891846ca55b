/** What has happened to an order, the latest first. */
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { withParcels } from './entries.ts';
import type { OneOrderQuery } from './order.generated.ts';
import { useTimelineWords } from './timelineWords.ts';

const useWords = wordsOf({ en: { title: 'What has happened' }, ko: { title: '진행 상황' } });

type Entry = NonNullable<OneOrderQuery['order']>['timeline'][number];

export function Timeline({ entries }: { entries: readonly Entry[] }) {
  const words = useWords();
  const happened = useTimelineWords();
  const format = useFormat();
  return (
    <section className="card" aria-labelledby="timeline">
      <h2 id="timeline">{words.title}</h2>
      <ol className="timeline" reversed>
        {withParcels(entries)
          .toReversed()
          .map(({ cursor, type, direction, occurredAt }) => (
            <li key={cursor} className={direction ? 'scan' : ''}>
              <span>{happened[direction ? `${direction} ${type}` : type] ?? type}</span>
              <time dateTime={occurredAt}>{format.time(occurredAt)}</time>
            </li>
          ))}
      </ol>
    </section>
  );
}
