/** What runs on GitHub's machines: nothing that can be exchanged unseen, nothing that may do more than it needs. */
import { globSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

interface Workflow {
  permissions?: object;
  jobs: Record<string, { uses?: string; permissions?: object; 'timeout-minutes'?: number }>;
}

const workflows = globSync('.github/workflows/*.yaml').map((file) => {
  const text = readFileSync(file, 'utf8');
  return { file, text, workflow: parse(text) as Workflow };
});
const { scripts, version } = JSON.parse(readFileSync('package.json', 'utf8'));

test('the workflows were read', () => expect(workflows.length).toBeGreaterThan(3));

describe.each(workflows)('$file', ({ text, workflow }) => {
  test('takes every action by its digest, and says of which version that is', () => {
    const actions = [...text.matchAll(/\buses: (?!\.\/)(.*)/g)].map(([, action]) => action);
    expect(actions.filter((action) => !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action ?? ''))).toEqual([]);
  });

  test('may do nothing but what a job says', () => {
    const jobs = Object.entries(workflow.jobs);
    expect(workflow.permissions).toEqual({});
    expect(jobs.filter(([, { permissions }]) => !permissions)).toEqual([]);
    expect(jobs.filter(([, job]) => !job.uses && !job['timeout-minutes'])).toEqual([]);
  });

  test('runs scripts that there are', () => {
    const named = [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !scripts[name])).toEqual([]);
  });
});

test('the chart installs the version that the package has: a tag of another is refused by the release', () =>
  expect(parse(readFileSync('helm/Chart.yaml', 'utf8'))).toMatchObject({ appVersion: version }));
