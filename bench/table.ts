/** Rows under a heading, one line each, as they come: a reader sees how far it is. */
export interface Table {
  row(...cells: (string | number)[]): void;
}

/** `widths` are of the columns; the first one is aligned left, the others right. */
export function printTable(heading: string[], widths: number[]): Table {
  const print = (cells: (string | number)[]) => {
    const columns = cells.map((cell, place) => {
      const width = widths[place] ?? 0;
      return place ? String(cell).padStart(width) : String(cell).padEnd(width);
    });
    say(columns.join('  '));
  };
  say('');
  print(heading);
  return { row: (...cells) => print(cells) };
}

export const say = (line: string): void => void process.stdout.write(`${line}\n`);
