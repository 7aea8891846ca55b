/** Never an empty page: a browser that keeps nothing, a newer page since this one was opened, an address that means nothing. */
import type { Visitor } from './browser.ts';
import { signUp } from './people.ts';
import { openShop } from './shop.ts';

/** In the browser, before the page begins: what Chromium does where all site data is blocked. */
const KEEP_NOTHING = `
  const refuse = () => { throw new DOMException('Access is denied', 'SecurityError'); };
  for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { get: refuse });
  IDBFactory.prototype.open = refuse;
`;

const shop = openShop();

const visit = (): Promise<Visitor> => shop.visit('desktop');

test('a browser that keeps nothing can find a book and sign up', async () => {
  const { page, context, complaints } = await visit();
  await context.addInitScript(KEEP_NOTHING);

  await signUp(page);
  await page.getByRole('button', { name: '한국어' }).click();

  await page.getByRole('button', { name: '로그아웃' }).waitFor();
  expect(complaints).toEqual([]);
});

test('what is kept and cannot be read is as good as nothing', async () => {
  const { page } = await visit();
  await page.evaluate("localStorage.setItem('rentabook.session', '{')");

  await page.reload();

  await page.getByRole('searchbox').waitFor();
});

test('a view whose script is not served any more says so, and the page can be loaded again', async () => {
  const { page } = await visit();
  await page.route('**/assets/signIn*.js', (route) => route.fulfill({ status: 404 }), { times: 1 });

  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'This view cannot be shown' }).waitFor();
  await page.getByRole('link', { name: 'Find a book' }).click();
  await page.getByRole('searchbox').waitFor();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Load the page again' }).click();

  await page.getByLabel('E-mail').waitFor();
});

test('a view that was opened without a line comes by itself once it is back', async () => {
  const { page, context } = await visit();
  await context.setOffline(true);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'This view cannot be shown' }).waitFor();

  await context.setOffline(false);

  await page.getByLabel('E-mail').waitFor();
});

test('an e-mail address that was typed for signing in is there for making an account, and not in the address', async () => {
  const { page } = await visit();
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill('new@example.test');

  await page.getByRole('link', { name: 'Make an account' }).click();

  await page.getByRole('button', { name: 'Make the account' }).waitFor();
  expect(await page.getByLabel('E-mail').inputValue()).toBe('new@example.test');
  expect(page.url()).not.toContain('new');
});

test('an address is shown as it was sent, whatever stands in it', async () => {
  const { page } = await visit();
  const address = `/?q=${encodeURIComponent('ㅋㅋ')}&language=no+code`;

  await page.goto(address);
  await page.getByText('No book matches').waitFor();
  await page.getByText('Language: no code').waitFor();
  await page.waitForLoadState('networkidle');

  expect(page.url()).toBe(shop.system.url + address);
});
