/** A book's cover, set in type: its colour is always the same for the same book. */
const COLOURS = 8;

export function Cover({ id, title, authors }: { id: string; title: string; authors: readonly string[] }) {
  return (
    <div className={`cover colour${hash(id) % COLOURS}`} aria-hidden="true">
      <span className="title">{title}</span>
      <span className="author">{authors[0]}</span>
    </div>
  );
}

const hash = (text: string): number => [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
