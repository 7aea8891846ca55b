/** Stands in for a view that cannot be shown: its script is not to be had (no line, or a newer page is served), or it has failed. */
import { Component, type ReactNode, useEffect } from 'react';
import { useLocation } from 'wouter';
import { wordsOf } from '../language/language.ts';
import { Button } from '../pieces/form.tsx';
import { Page } from '../pieces/page.tsx';

const useWords = wordsOf({
  en: {
    title: 'This view cannot be shown',
    why: 'You may be offline, or the shop has a newer page since you opened this one.',
    again: 'Load the page again',
  },
  ko: {
    title: '화면을 표시할 수 없습니다',
    why: '오프라인이거나, 이 페이지를 연 뒤에 새 버전이 나왔을 수 있습니다.',
    again: '페이지 다시 불러오기',
  },
});

export function ErrorBoundary({ children }: { children: ReactNode }) {
  const [here] = useLocation();
  return <Boundary here={here}>{children}</Boundary>;
}

interface BoundaryProps {
  here: string;
  children: ReactNode;
}

/** React has these for classes alone. */
class Boundary extends Component<BoundaryProps, { failed: boolean }> {
  static getDerivedStateFromError = () => ({ failed: true });

  override state = { failed: false };

  override componentDidUpdate(before: BoundaryProps) {
    if (this.state.failed && before.here !== this.props.here) this.setState({ failed: false }); // another view
  }

  override render() {
    return this.state.failed ? <Failed /> : this.props.children;
  }
}

function Failed() {
  const words = useWords();
  useEffect(() => {
    const again = () => location.reload(); // React keeps that a script was not to be had
    addEventListener('online', again);
    return () => removeEventListener('online', again);
  }, []);
  return (
    <Page title={words.title}>
      <div role="alert" className="problem">
        <p>{words.why}</p>
        <Button onClick={() => location.reload()}>{words.again}</Button>
      </div>
    </Page>
  );
}
