/** What the services have given up on. Each is asked by itself, so that one which is silent hides nothing of the others. */

import { useState } from 'react';
import type { Service } from '../client/enums.generated.ts';
import { usePages } from '../client/pages.ts';
import { wordsOf } from '../language/language.ts';
import { List } from '../pieces/list.tsx';
import { Page } from '../pieces/page.tsx';
import { DeadLetter, type Outcome } from './deadLetter.tsx';
import { DeadLettersDocument } from './deadLetters.generated.ts';
import { services } from './filters.ts';
import { Silence } from './silence.tsx';
import { Told } from './told.tsx';
import { useServiceWords } from './words.ts';

const useWords = wordsOf({
  en: {
    title: 'Dead letters',
    about:
      'An event that a service could not apply in eight tries. Later events of the same thing wait behind it: mend what was wrong, then replay it.',
    none: 'None.',
  },
  ko: {
    title: '처리 실패 이벤트',
    about:
      '여덟 번 시도해도 처리하지 못한 이벤트입니다. 같은 대상의 다음 이벤트는 뒤에서 기다립니다. 원인을 해결한 뒤 다시 처리해 주세요.',
    none: '없습니다.',
  },
});

const PAGE = 20;
const LOOK_MS = 30_000;

export default function DeadLetters() {
  const words = useWords();
  return (
    <Page title={words.title}>
      <p>{words.about}</p>
      {services.map((service) => (
        <OfService key={service} service={service} />
      ))}
    </Page>
  );
}

function OfService({ service }: { service: Service }) {
  const words = useWords();
  const serviceWords = useServiceWords();
  const letters = usePages(DeadLettersDocument, { service, first: PAGE }, ({ deadLetters }) => deadLetters, {
    everyMs: LOOK_MS,
  });
  /** Those that were seen to, which are still in what was read before. */
  const [gone, setGone] = useState<readonly string[]>([]);
  const [outcome, setOutcome] = useState<Outcome>();
  const id = `letters-${service}`;
  return (
    <section className="part" aria-labelledby={id}>
      <h2 id={id}>{serviceWords[service]}</h2>
      <Silence error={letters.error} />
      <Told text={outcome?.text} wrong={outcome?.wrong} />
      <List of={letters} none={words.none}>
        {(nodes) => (
          <ul className="letters">
            {nodes
              .filter(({ id }) => !gone.includes(id))
              .map((letter) => (
                <li key={letter.id}>
                  <DeadLetter
                    letter={letter}
                    done={(outcome) => {
                      setGone((before) => [...before, letter.id]);
                      setOutcome(outcome);
                      letters.again();
                    }}
                  />
                </li>
              ))}
          </ul>
        )}
      </List>
    </section>
  );
}
