/** Says plainly when the page is offline. */
import { useEffect, useState } from 'react';
import { useLine } from '../client/live.ts';
import { wordsOf } from '../language/language.ts';

const useWords = wordsOf({
  en: { offline: 'You are offline. What you see may be old; it goes on by itself as soon as the line is back.' },
  ko: { offline: '오프라인 상태입니다. 보이는 내용이 최신이 아닐 수 있으며, 연결되면 자동으로 이어집니다.' },
});

export function LineNotice() {
  const words = useWords();
  const line = useLine();
  const online = useOnline();
  const offline = !online || line === 'offline';
  return (
    <div role="status" className={offline ? 'line-notice' : undefined}>
      {offline && words.offline}
    </div>
  );
}

function useOnline(): boolean {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => setOnline(navigator.onLine);
    addEventListener('online', look);
    addEventListener('offline', look);
    return () => {
      removeEventListener('online', look);
      removeEventListener('offline', look);
    };
  }, []);
  return online;
}
