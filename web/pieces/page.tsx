/** A view: its heading is the document's title, and where the reader is after a change of view. */
import { type ReactNode, useEffect, useRef } from 'react';

let first = true;
/** Then the browser goes to where the reader was. */
let wentBack = false;
addEventListener('popstate', () => {
  wentBack = true;
});
// wouter's
addEventListener('pushState', () => {
  wentBack = false;
});

interface PageProps {
  title: string;
  /** Beside the heading. */
  aside?: ReactNode;
  children: ReactNode;
}

export function Page({ title, aside, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Rentabook`;
  }, [title]);
  useEffect(() => {
    if (!first) heading.current?.focus({ preventScroll: true });
    first = false;
    if (!wentBack) scrollTo(0, 0);
  }, []);
  return (
    <main id="main">
      <header className="heading">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {aside}
      </header>
      {children}
    </main>
  );
}
