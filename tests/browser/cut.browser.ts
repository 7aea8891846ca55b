/** The line of a reader who follows an order is cut while it ships. */
import { setTimeout as sleep } from 'node:timers/promises';
import { addBook, eventually } from '../client.ts';
import { type Line, openLine } from './line.ts';
import { rent, signUp } from './people.ts';
import { openShop } from './shop.ts';

const CUT_MS = 20_000;

const shop = openShop({ SANDBOX_CARRIER_STEP_MS: '3000' });
let line: Line;

beforeAll(async () => {
  line = await openLine(shop.system.url);
});
afterAll(async () => {
  await line?.close();
});

test('the page says that it is offline, and has the whole timeline once the line is back, without a reload', async () => {
  const bookId = await addBook(await shop.system.clientWith('STAFF'), 1);
  const { page, shoot, complaints } = await shop.visitors.visit(line.url, 'phone', { locale: 'en-GB' });
  await signUp(page);
  await rent(page, bookId);
  await page.getByText('Accepted: the parcel is being made').waitFor();
  let loads = 0;
  page.on('load', () => loads++);

  line.cut();
  const cutAt = Date.now();
  await page.getByText('You are offline').first().waitFor();
  await shoot('cut-offline');
  await sleep(CUT_MS - (Date.now() - cutAt)); // that long is the claim
  line.mend();

  await page.locator('main .heading').getByText('On loan', { exact: true }).waitFor({ timeout: 60_000 });
  await page.getByText('Delivered: the loan begins').waitFor();
  const shown = await eventually(
    () => page.locator('.timeline li span').allInnerTexts(),
    (texts) => texts.includes('Parcel delivered'),
  );
  await shoot('cut-complete');
  expect(shown.toReversed()).toEqual([
    'Requested',
    'Accepted: the parcel is being made',
    'Parcel registered with the carrier',
    'Parcel picked up',
    'Handed to the carrier',
    'Parcel in transit',
    'Parcel out for delivery',
    'Parcel delivered',
    'Delivered: the loan begins',
  ]);
  await page.getByText('You are offline').waitFor({ state: 'hidden' });
  expect(loads).toBe(0);
  expect(complaints).toEqual([]);
});
