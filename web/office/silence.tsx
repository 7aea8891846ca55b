/** Which service it is that does not answer; nothing for other errors. */
import type { CombinedError } from 'urql';
import { wordsOf } from '../language/language.ts';
import { services } from './filters.ts';
import { useServiceWords } from './words.ts';

const useWords = wordsOf({
  en: { silent: (service: string) => `It is the ${service} service that does not answer.` },
  ko: { silent: (service: string) => `응답하지 않는 서비스: ${service}` },
});

export function Silence({ error }: { error: CombinedError | undefined }) {
  const words = useWords();
  const serviceWords = useServiceWords();
  const named = error?.graphQLErrors.map(({ extensions }) => extensions.service);
  const silent = services.find((service) => named?.includes(service.toLowerCase()));
  return silent ? <p>{words.silent(serviceWords[silent])}</p> : null;
}
