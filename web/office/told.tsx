/** What came of a press. It takes the focus, since the button that was pressed may be gone. */
import { useEffect, useRef } from 'react';

interface ToldProps {
  text: string | undefined;
  /** Not what was wished. */
  wrong?: boolean | undefined;
}

export function Told({ text, wrong = false }: ToldProps) {
  const paragraph = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (text) paragraph.current?.focus();
  }, [text]);
  return (
    <p ref={paragraph} role="status" tabIndex={-1} className={wrong ? 'said wrong' : 'said'}>
      {text}
    </p>
  );
}
