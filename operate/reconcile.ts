/** `npm run reconcile`: whether the services' books agree with one another. Reads only. */
import { parseArgs } from 'node:util';
import { Complaint, print, runCommand } from './command.ts';
import { findDifferences, type Report, rules } from './differences.ts';
import { findPlaces, openSources, WHICH_SYSTEM } from './system.ts';

const SETTLE_S = 5;

const HELP = `npm run reconcile -- [--settle SECONDS] [--json]

Compares what the services have written down of the same things, each in its own database, and tells what differs. Nothing
is changed. It may run beside the running system: what is only under way is looked at again after --settle seconds (${SETTLE_S}), once
every event that was on its way has arrived, and counts when it still differs in the same way.

${WHICH_SYSTEM}

${rules.map(({ name, says }) => `  ${name.padEnd(19)} ${wrapped(says)}`).join('\n')}

Exit code: 0 when nothing differs, 1 when something does, 2 when it could not be done.`;

await runCommand(async () => {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
      settle: { type: 'string', default: String(SETTLE_S) },
    },
  });
  if (values.help) {
    print(HELP);
    return 0;
  }
  const settleMs = Number(values.settle) * 1000;
  if (!(settleMs >= 0 && settleMs <= 3_600_000))
    throw new Complaint(`--settle takes seconds from 0 to 3600, not "${values.settle}".`);

  const sources = await openSources(findPlaces());
  try {
    const report = await findDifferences(sources, { settleMs, onRule: showProgress() });
    print(values.json ? JSON.stringify(report, null, 2) : inWords(report));
    return report.differences.length ? 1 : 0;
  } finally {
    await sources.close();
  }
});

/** One line that is written over, for a person who waits. */
function showProgress(): (rule: string, look: number) => void {
  if (!process.stderr.isTTY) return () => {};
  process.once('exit', () => process.stderr.write('\r\x1b[K'));
  return (rule, look) => {
    const place = `${rules.findIndex(({ name }) => name === rule) + 1} of ${rules.length}`;
    process.stderr.write(`\r\x1b[K${place}: ${rule}${look > 1 ? `, look ${look}` : ''} …`);
  };
}

function inWords({ differences, rules, leftOut }: Report): string {
  const lines = differences.map(({ rule, sentence }) => `${rule}: ${sentence}`);
  const summary = rules.map(({ rule, looked, differences, underWay, unchecked }) => {
    const more = [
      ...(underWay ? [`${underWay} still under way`] : []),
      ...(unchecked ? [`${unchecked} more seen once`] : []),
    ];
    return `  ${rule.padEnd(19)} ${String(looked).padStart(9)} looked at, ${differences} differ${more.length ? ` (${more.join(', ')})` : ''}`;
  });
  const without = leftOut.map((rule) => `  ${rule.padEnd(19)} left out: there are no sandbox's books to compare with`);
  const count = differences.length;
  const verdict = count ? `${count} ${count === 1 ? 'difference' : 'differences'}.` : 'Nothing differs.';
  return [...lines, ...(lines.length ? [''] : []), ...summary, ...without, verdict].join('\n');
}

function wrapped(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length > 100) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines.join(`\n${' '.repeat(22)}`);
}
