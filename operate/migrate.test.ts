/** The command as a person or a Job runs it, against a real server. */
import { randomUUID } from 'node:crypto';
import { readConfig } from '#platform/config.ts';
import { serviceUrl } from '#platform/provision.ts';
import { askDatabase } from '../tests/askDatabase.ts';
import { runCommand } from '../tests/command.ts';

const { DATABASE_URL } = readConfig(['DATABASE_URL']);
const migrate = (settings: object, ...args: string[]) => runCommand('operate/migrate.ts', settings, ...args);

/** Names that nobody else has, for databases that are not there yet. */
function wishes() {
  const suffix = randomUUID().slice(0, 8);
  const urlOf = (owner: string) => serviceUrl(DATABASE_URL, `${owner}_${suffix}`, 'p');
  return {
    BOOK_DATABASE_URL: urlOf('book'),
    RENTAL_DATABASE_URL: urlOf('rental'),
    DELIVERY_DATABASE_URL: urlOf('delivery'),
    CUSTOMER_DATABASE_URL: urlOf('customer'),
  };
}

test('databases are made and migrated, each by its own account; again there is nothing to do', async () => {
  const urls = wishes();
  const settings = { ...urls, ADMIN_DATABASE_URL: DATABASE_URL };

  const [first, second] = [await migrate(settings), await migrate(settings)];

  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toMatch(/^book_\w+: applied platform_0001_events, .*\nrental_\w+: applied .*\n/);
  expect(second.stdout.match(/new enough/g)).toHaveLength(4);
  expect(await askDatabase(urls.RENTAL_DATABASE_URL, 'SELECT FROM rental')).toEqual([]);
  expect(
    await askDatabase(urls.BOOK_DATABASE_URL, "SELECT tableowner FROM pg_tables WHERE tablename = 'book'"),
  ).toEqual([{ tableowner: new URL(urls.BOOK_DATABASE_URL).username }]);
});

test('two at once, as when a Job is started again, do no harm', async () => {
  const settings = { ...wishes(), ADMIN_DATABASE_URL: DATABASE_URL };

  const both = await Promise.all([migrate(settings), migrate(settings)]);

  expect(both.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(2).fill({ code: 0, stderr: '' }));
});

test('a migration that fails is told in a sentence with the setting and the reason, without the password', async () => {
  const settings = { ...wishes(), ADMIN_DATABASE_URL: DATABASE_URL };
  await migrate(settings);
  await askDatabase(settings.BOOK_DATABASE_URL, "DELETE FROM migration WHERE name = 'book_0003_waitlist'"); // its table is there

  const { code, stdout, stderr } = await migrate(settings);

  expect(code).toBe(2);
  expect(stderr).toMatch(/^BOOK_DATABASE_URL: a migration failed, and nothing of it was kept: .*already exists.*\n$/);
  expect(stdout + stderr).not.toContain('postgresql://');
});

test('mistakes are told in one sentence', async () => {
  const urls = wishes();
  const { BOOK_DATABASE_URL: _, ...incomplete } = urls;

  expect((await migrate({}, '--help')).stdout).toContain('npm run migrate');
  expect(await migrate(incomplete)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('BOOK_DATABASE_URL is not'),
  });
  expect((await migrate(urls, '--hlep')).stderr).toMatch(/'--hlep'.*See --help\.\n$/);
  const twoNames = { ...urls, BOOK_DATABASE_URL: urls.BOOK_DATABASE_URL.replace('//book', '//reader') };
  expect(await migrate({ ...twoNames, ADMIN_DATABASE_URL: DATABASE_URL })).toMatchObject({
    code: 2,
    stderr: 'BOOK_DATABASE_URL must have a password, and one name for role and database, to be made here.\n',
  });
});
