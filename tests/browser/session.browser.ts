/** Sessions and tabs: nothing that was typed is lost, and what one tab does shows in the other. */
import type { Locator } from 'playwright-core';
import { addBook } from '../client.ts';
import { INSECURE_HOST, type Visitor } from './browser.ts';
import { fillAddress, signUp } from './people.ts';
import { openShop } from './shop.ts';

/** In the browser: the access token's time is over. */
const EXPIRE = `new Promise((resolve) => {
  indexedDB.open('rentabook').onsuccess = ({ target: { result: db } }) => {
    const transaction = db.transaction('session', 'readwrite');
    const store = transaction.objectStore('session');
    store.get('tokens').onsuccess = ({ target: { result: tokens } }) => {
      store.put({ ...tokens, access: { ...tokens.access, expiresAt: 0 } }, 'tokens');
    };
    transaction.oncomplete = resolve;
  };
})`;

const shop = openShop();

const visit = (): Promise<Visitor> => shop.visit('desktop');

test('a session that ends asks to sign in again over the page, and what was typed is sent then', async () => {
  const bookId = await addBook(await shop.system.clientWith('STAFF'), 1);
  const { page, shoot, complaints } = await visit();
  await page.clock.install();
  const email = await signUp(page, `/books/${bookId}/rent`);
  await fillAddress(page, 'Who Types Slowly');
  await shop.system.query('customer', 'DELETE FROM session');
  await page.clock.fastForward('20:00'); // more than an access token lives

  await page.getByLabel('Keep this address').check();
  await page.getByRole('button', { name: 'Go on to the payment' }).click();
  const dialog = page.getByRole('dialog', { name: 'Sign in again' });
  await dialog.waitFor();
  await shoot('session-ended');
  await dialog.getByLabel('E-mail').click();
  for (let presses = 0; presses < 4; presses++) await page.keyboard.press('Escape'); // there is no way around it
  await dialog.getByLabel('E-mail').fill(email);
  await dialog.getByLabel('Password').fill('a long enough password');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.waitFor({ state: 'hidden' });

  const next = page.getByRole('button', { name: 'Go on to the payment' });
  if (await next.isVisible()) {
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Who Types Slowly');
    await next.click();
  }
  await page.getByText('Who Types Slowly').first().waitFor();
  expect(complaints).toEqual([]);
});

test('a change in one tab shows in the other without a reload, and so does signing out', async () => {
  const { page: one, context } = await visit();
  await signUp(one, '/account');
  const other = await context.newPage();
  await other.goto('/account');
  await other.getByText('No address is kept here yet').waitFor();

  const addresses = one.getByRole('region', { name: 'Addresses' });
  await addresses.getByRole('button', { name: 'Add an address' }).click();
  await fillAddress(addresses);
  await addresses.getByLabel('What you call it').fill('The summer house');
  await addresses.getByRole('button', { name: /^Save/ }).click();

  await other.getByText('The summer house').waitFor();
  await one.getByRole('button', { name: 'Sign out' }).click();
  await other.getByRole('link', { name: 'Sign in', exact: true }).first().waitFor();
});

test('where no locks are to be had, what asks at once still uses the refresh token once', async () => {
  const { page } = await shop.visitors.visit(shop.system.url.replace('127.0.0.1', INSECURE_HOST), 'desktop');
  await signUp(page);
  let refreshes = 0;
  page.on('request', (request) => {
    if (request.postData()?.includes('refreshSession')) refreshes++;
  });

  await page.evaluate(EXPIRE);
  await page.goto('/orders'); // asks over HTTP, and follows over a socket
  await page.getByText('You have no open orders').waitFor();

  expect(refreshes).toBe(1);
  expect(await page.getByRole('dialog').count()).toBe(0);
});

/** What is said against a field, as it is read out with it. */
async function faultOf(field: Locator): Promise<string | null> {
  if ((await field.getAttribute('aria-invalid')) !== 'true') return null;
  const note = await field.getAttribute('aria-describedby');
  return field.page().locator(`[id="${note}"][role="alert"]`).innerText();
}
const isFocused = async (field: Locator): Promise<boolean> =>
  (await field.and(field.page().locator(':focus')).count()) === 1;

test('what the server says against a field stands beside it, in the language of the reader, until it is changed', async () => {
  const { page: first } = await visit();
  const email = await signUp(first);
  const { page, shoot } = await shop.visit('phone');
  await page.goto('/sign-up');
  await page.getByLabel('이름').fill('김하나');
  await page.getByLabel('이메일').fill(email);
  await page.getByLabel('비밀번호').fill('아주 긴 비밀번호 하나');

  await page.getByRole('button', { name: '가입하기' }).click();

  await page.getByText('이미 가입된 이메일입니다.').waitFor();
  await shoot('refusal-beside-its-field');
  const field = page.getByLabel('이메일');
  expect(await faultOf(field)).toBe('이미 가입된 이메일입니다.');
  expect(await isFocused(field)).toBe(true);
  expect(await field.inputValue()).toBe(email);
  await field.press('x');
  expect(await faultOf(field)).toBeNull();
});

test('what the browser finds wrong stands beside each field in the language of the reader, until it is mended', async () => {
  const { page, shoot } = await shop.visit('phone');
  await page.goto('/sign-up');
  const [name, email, password] = [page.getByLabel('이름'), page.getByLabel('이메일'), page.getByLabel('비밀번호')];
  const faults = async () => [await faultOf(name), await faultOf(email), await faultOf(password)];
  await name.fill('김하나');
  await email.fill('hana');
  await password.fill('짧다');

  await page.getByRole('button', { name: '가입하기' }).click();

  await page.getByText('8자 이상 입력해 주세요.').waitFor();
  await shoot('mistakes-beside-their-fields');
  const noAddress = '이메일 주소를 정확히 입력해 주세요. 예: name@example.com';
  expect(await faults()).toEqual([null, noAddress, '8자 이상 입력해 주세요.']);
  expect(await isFocused(email)).toBe(true);
  await email.fill('hana@example.test');
  await name.clear();
  expect(await faults()).toEqual([null, null, '8자 이상 입력해 주세요.']);
  await page.getByRole('button', { name: '가입하기' }).click();
  expect(await faults()).toEqual(['입력해 주세요.', null, '8자 이상 입력해 주세요.']);
  expect(await isFocused(name)).toBe(true);
});
