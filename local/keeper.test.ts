import { join } from 'node:path';
import { Keeper } from './keeper.ts';
import { launchProcess } from './services.ts';

const said: string[] = [];
let keeper: Keeper;
afterEach(() => keeper.stop());

function keep(file: string) {
  said.length = 0;
  const launched = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  let launches = 0;
  keeper = new Keeper(
    'fixture',
    () => {
      const running = launchProcess(join(import.meta.dirname, file), { environment: {}, onLine: () => {} });
      const launch = launched[launches++];
      running.ready.then(launch?.resolve, () => {});
      return running;
    },
    (sentence) => said.push(sentence),
  );
  return { launched: launched.map(({ promise }) => promise), launches: () => launches };
}

test('a process that is killed is started again, later each time, each told in one line', async () => {
  const { launched } = keep('keeper.fixture.ts');

  await keeper.start();
  keeper.kill();
  await launched[1];
  keeper.kill();
  await launched[2];

  expect(said).toEqual([
    'fixture ended (killed by SIGKILL); it is started again in 0.2 s.',
    'fixture ended (killed by SIGKILL); it is started again in 0.4 s.',
  ]);
});

test('what is stopped stays so until it is started again', async () => {
  const { launches } = keep('keeper.fixture.ts');

  await keeper.start();
  await keeper.stop();
  await keeper.start();

  expect(launches()).toBe(2);
  expect(said).toEqual([]);
});

test('a process that cannot start is not tried again, and its last words are told', async () => {
  const { launches } = keep('no such file');

  await expect(keeper.start()).rejects.toThrow(/^fixture could not be started: exit code 1: Error: Cannot find module/);
  expect(launches()).toBe(1);
});
