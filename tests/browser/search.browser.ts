/** Finding a book, as somebody who has never been here. */
import { type System, startSystem } from '../system.ts';
import { openBrowser, type Visitors } from './browser.ts';

let system: System;
let visitors: Visitors;

beforeAll(async () => {
  system = await startSystem();
  visitors = await openBrowser();
});
afterAll(async () => {
  await visitors?.close();
  await system?.stop();
});

test('a book is found by Hangul as one types, and nothing is asked of any other host', async () => {
  const { page, shoot, complaints } = await visitors.visit(system.url, 'phone');

  await page.getByRole('searchbox').fill('윤동주');

  await page.getByRole('link', { name: /하늘과 바람과 별과 시/ }).waitFor();
  await shoot('search');
  expect(complaints).toEqual([]);
});
