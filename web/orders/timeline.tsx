/** What has happened to an order, the latest first. */
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { withParcels } from './entries.ts';
import type { OneOrderQuery } from './order.generated.ts';
import { useHappened } from './timelineWords.ts';

const useWords = wordsOf({ en: { title: 'What has happened' }, ko: { title: '진행 상황' } });

type Entry = NonNullable<OneOrderQuery['order']>['timeline'][number];

export function Timeline({ entries }: { entries: readonly Entry[] }) {
  const words = useWords();
  const happened = useHappened();
  const format = useFormat();
  return (
    <section className="card" aria-labelledby="timeline">
      <h2 id="timeline">{words.title}</h2>
      <ol className="timeline" reversed>
        {withParcels(entries)
          .toReversed()
          .map((entry) => (
            <li key={entry.cursor} className={entry.direction ? 'scan' : ''}>
              <span>{happened(entry)}</span>
              <time dateTime={entry.occurredAt}>{format.time(entry.occurredAt)}</time>
            </li>
          ))}
      </ol>
    </section>
  );
}
