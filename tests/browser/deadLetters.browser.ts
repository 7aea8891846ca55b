/** What a service has given up on, as an admin sees to it. */
import { type Client, eventually } from '../client.ts';
import { aDeadBook, bury } from '../deadBook.ts';
import { violations } from './browser.ts';
import { signIn } from './people.ts';
import { openShop } from './shop.ts';

const shop = openShop();
let staff: Client;

beforeAll(async () => {
  staff = await shop.system.clientWith('STAFF');
});

test('an admin sees a dead letter, and what waits behind it, and replays it: it is gone', async () => {
  const { event, applied } = await aDeadBook(shop.system, staff);
  const { page, shoot, complaints } = await shop.visit('desktop');
  await signIn(page, 'admin@demo.test');

  await page.goto('/office/dead-letters');
  const ofRental = page.getByRole('region', { name: 'Rental' });
  const letter = ofRental.getByRole('article').filter({ hasText: event });
  await letter.getByText('It could not be done').waitFor();
  await letter.getByText('an event waits').waitFor();
  await letter.getByText('Message as it came').click();
  await letter.getByText('"title": "The second"').waitFor();
  expect(await violations(page)).toEqual([]);
  await shoot('office-dead-letters');
  await letter.getByRole('button', { name: 'Replay' }).click();

  await ofRental.getByText(`${event} is applied.`).waitFor();
  await letter.waitFor({ state: 'detached' });
  await ofRental.getByText('None.').waitFor();
  await eventually(applied, (version) => version === 3);
  expect(await page.locator(':focus').textContent()).toBe(`${event} is applied.`);
  expect(complaints).toEqual([]);
});

test('what is no event is dropped with a reason, and one that is given up on again is another one', async () => {
  const event = 'book-00000000-0000-4000-8000-000000000000:1';
  const message = JSON.stringify({ type: 'rentabook.book.saved.v1', id: event, aggregateversion: 1 });
  await bury(shop.system, 'delivery', { consumer: 'delivery-rental', message: 'not even JSON' });
  await bury(shop.system, 'rental', { consumer: 'rental-book', event, message });
  const { page } = await shop.visit('desktop');
  await signIn(page, 'admin@demo.test');
  await page.goto('/office/dead-letters');

  const ofDelivery = page.getByRole('region', { name: 'Delivery' });
  await ofDelivery.getByRole('button', { name: 'Drop' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason').fill('A test of the broker');
  await dialog.getByRole('button', { name: 'Drop' }).click();
  await ofDelivery.getByText('The message is dropped.').waitFor();
  await ofDelivery.getByText('None.').waitFor();

  const ofRental = page.getByRole('region', { name: 'Rental' });
  await ofRental.getByRole('button', { name: 'Replay' }).click();
  await ofRental.getByText(`${event} could not be applied this time either; see its reason.`).waitFor();
  await ofRental.getByText('It could not be done').waitFor({ state: 'detached' });
  expect(await ofRental.getByRole('article').count()).toBe(1);
});

test('while one service is silent its letters cannot be seen, and those of the others can', async () => {
  const { page } = await shop.visit('desktop');
  await signIn(page, 'admin@demo.test');
  await shop.system.pause('delivery');
  try {
    await page.goto('/office/dead-letters');

    await page.getByRole('region', { name: 'Book' }).getByText('None.').waitFor();
    await page.getByText('It is the Delivery service that does not answer.').waitFor();
  } finally {
    await shop.system.resume('delivery');
  }
});
