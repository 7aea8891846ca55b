/** The table of bugs and the crash points against the source as it is: what has moved is noticed here, and not in a long run. */
import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { crashPointsIn, planted, plantNames, plants, withCrashPoints } from './plants.ts';

const files = globSync('{platform,router,subgraphs}/**/*.ts').filter((file) => !/\.(test|fixture)\.ts$/.test(file));
const sourceOf = (file: string) => readFileSync(file, 'utf8');

test.each(plantNames)('the bug %s can be planted, and is source that can run', (name) => {
  for (const file of new Set(plants[name].edits.map((edit) => edit.file))) {
    const changed = planted(name, file, sourceOf(file));
    expect(changed).not.toBe(sourceOf(file));
    expect(() => stripTypeScriptTypes(withCrashPoints(changed))).not.toThrow();
  }
});

test('a bug whose place has moved is refused by name', () => {
  expect(() => planted('no-message-id', 'platform/relay.ts', 'something else')).toThrow(
    'The bug no-message-id cannot be planted: platform/relay.ts has its place 0 times',
  );
});

test('every crash point has a name of its own, and stands where a statement may', () => {
  const names = files.flatMap((file) => crashPointsIn(sourceOf(file)));

  expect(names.length).toBeGreaterThan(5);
  expect(new Set(names).size).toBe(names.length);
  for (const file of files.filter((file) => crashPointsIn(sourceOf(file)).length)) {
    const crashing = withCrashPoints(sourceOf(file));
    expect(crashing.match(/^ *crashPoint\(/gm)).toHaveLength(crashPointsIn(sourceOf(file)).length);
    expect(() => stripTypeScriptTypes(crashing)).not.toThrow();
  }
});
