/** The other language. */
import { chooseLanguage, useLanguage } from '../language/language.ts';

/** Each language names the other one. */
export function Footer() {
  const [next, name] = useLanguage() === 'ko' ? (['en', 'English'] as const) : (['ko', '한국어'] as const);
  return (
    <footer className="shell">
      <button type="button" className="button quiet" lang={next} onClick={() => chooseLanguage(next)}>
        {name}
      </button>
    </footer>
  );
}
