/** Gives somebody a file that was made in the page. */
export function download(name: string, type: string, content: string): void {
  const href = URL.createObjectURL(new Blob([content], { type }));
  Object.assign(document.createElement('a'), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), BEGUN_MS);
}

/** For the browser to have begun. */
const BEGUN_MS = 60_000;
