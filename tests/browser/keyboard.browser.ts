/** A reader who has no mouse. */
import type { Page } from 'playwright-core';
import { addBook } from '../client.ts';
import { signUp } from './people.ts';
import { openShop } from './shop.ts';

/** More places than any view has before what is looked for. */
const MANY = 80;

/** In the browser: what the element with the focus is called, near enough. */
const NAME_OF_FOCUS = `(({ activeElement: at }) =>
  at?.getAttribute('aria-label') ?? ([...(at?.labels ?? [])].map((label) => label.textContent).join(' ') || at?.textContent || '')
)(document)`;

const shop = openShop();

/** Goes on by the Tab key until what has the focus is called so. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  const passed: string[] = [];
  for (let presses = 0; presses < MANY; presses++) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate<string>(NAME_OF_FOCUS);
    if (name.test(here)) return;
    passed.push(here);
  }
  throw new Error(`The Tab key does not lead to ${name}, but to: ${passed.join(' | ')}`);
}

test('the keyboard alone finds a book and completes a rental', async () => {
  const title = 'The Book for the Keyboard';
  await addBook(await shop.system.clientWith('STAFF'), 1, { title });
  const { page, shoot } = await shop.visit('desktop');
  await signUp(page);
  await page.goto('/');
  await page.getByRole('searchbox').waitFor();
  const { keyboard } = page;

  await tabTo(page, /Skip to the content/);
  await keyboard.press('Enter');
  await tabTo(page, /Title, author/);
  await keyboard.type('keyboard');
  await page.getByRole('link', { name: title }).waitFor();
  await tabTo(page, new RegExp(title));
  await keyboard.press('Enter');
  await page.getByRole('heading', { name: title, level: 1 }).waitFor();
  await tabTo(page, /^Rent/);
  await keyboard.press('Enter');

  await page.getByRole('heading', { name: 'Delivery address' }).waitFor();
  await tabTo(page, /^Name/);
  await keyboard.type('A Reader');
  await tabTo(page, /Street and number/);
  await keyboard.type('1 Main Street');
  await tabTo(page, /Town or city/);
  await keyboard.type('Seoul');
  await tabTo(page, /Postal code/);
  await keyboard.type('04524');
  await tabTo(page, /Country/);
  await keyboard.type('South Korea');
  await tabTo(page, /Go on to the payment/);
  await keyboard.press('Enter');
  await page.getByRole('button', { name: /and rent$/ }).waitFor();
  await tabTo(page, /A card that works/);
  await keyboard.press('Space');
  await tabTo(page, /and rent$/);
  await shoot('keyboard-payment');
  await keyboard.press('Enter');

  await page.getByText('Accepted: the parcel is being made').waitFor();
});
