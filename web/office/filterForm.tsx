/** A form whose words stand in the address, so that a filtered list can be kept, sent on, and gone back to. */
import type { ReactNode } from 'react';
import { useSearchParams } from 'wouter';
import { wordsOf } from '../language/language.ts';
import { Button, Field, Tick } from '../pieces/form.tsx';
import { addressOf } from './filters.ts';

const useWords = wordsOf({
  en: {
    filter: 'Filter',
    filtered: 'Filter (in use)',
    show: 'Show',
    all: 'Show all',
    status: 'Status',
    stuck: 'Stuck for at least … minutes',
  },
  ko: {
    filter: '필터',
    filtered: '필터 (적용 중)',
    show: '조회',
    all: '전체 보기',
    status: '상태',
    stuck: '멈춘 시간(분) 이상',
  },
});

export function FilterForm({ children }: { children: ReactNode }) {
  const words = useWords();
  const [address, setAddress] = useSearchParams();
  return (
    <details className="list-filters" open={address.size > 0}>
      <summary>{address.size ? words.filtered : words.filter}</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setAddress(addressOf(new FormData(event.currentTarget)));
        }}
      >
        <div key={address.toString()} className="fields">
          {children}
        </div>
        <p className="buttons">
          <Button type="submit" kind="main">
            {words.show}
          </Button>
          <Button onClick={() => setAddress('')}>{words.all}</Button>
        </p>
      </form>
    </details>
  );
}

interface StatusTicksProps<Status extends string> {
  of: readonly Status[];
  words: Record<Status, string>;
  chosen: readonly Status[] | null | undefined;
}

export function StatusTicks<Status extends string>({ of: statuses, words: names, chosen }: StatusTicksProps<Status>) {
  const words = useWords();
  return (
    <fieldset>
      <legend>{words.status}</legend>
      {statuses.map((status) => (
        <Tick
          key={status}
          name="status"
          value={status}
          label={names[status]}
          defaultChecked={chosen?.includes(status) ?? false}
        />
      ))}
    </fieldset>
  );
}

export function StuckField({ minutes }: { minutes: number | null | undefined }) {
  const words = useWords();
  return (
    <Field
      name="stuckForMinutes"
      label={words.stuck}
      type="number"
      min={0}
      max={999_999}
      defaultValue={minutes ?? undefined}
    />
  );
}
