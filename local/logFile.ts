/** What a program writes, kept in a file: one generation of `MAX_BYTES`, and the one before it. */
import { createWriteStream, existsSync, renameSync, type WriteStream } from 'node:fs';

const MAX_BYTES = 20_000_000;

export interface LogFile {
  write(line: string): void;
}

/** What an earlier run wrote becomes the generation before. */
export function openLogFile(file: string): LogFile {
  let stream = nextGeneration(file);
  let bytes = 0;
  return {
    write(line) {
      if (bytes > MAX_BYTES) {
        stream.end();
        stream = nextGeneration(file);
        bytes = 0;
      }
      bytes += line.length + 1;
      stream.write(`${line}\n`);
    },
  };
}

function nextGeneration(file: string): WriteStream {
  if (existsSync(file)) renameSync(file, `${file}.1`);
  const stream = createWriteStream(file, { mode: 0o600 });
  stream.on('error', () => {}); // a full disk must not end what only reports
  return stream;
}
