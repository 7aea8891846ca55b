/** What people do on the page, by what they see on it. */
import { randomUUID } from 'node:crypto';
import type { Locator, Page } from 'playwright-core';

/** Of the demo (subgraphs/customer/demo.ts), in either language. */
export async function signIn(page: Page, email: string): Promise<void> {
  await page.goto('/sign-in');
  await page.getByLabel(/E-mail|이메일/).fill(email);
  await page.getByLabel(/Password|비밀번호/).fill('rentabook');
  await page.getByRole('button', { name: /Sign in|로그인/ }).click();
  await page.getByRole('button', { name: /Sign out|로그아웃/ }).waitFor();
}

/** A new customer, who reads English. Answers the e-mail address. */
export async function signUp(page: Page, to = '/'): Promise<string> {
  const email = `${randomUUID()}@example.test`;
  await page.goto(`/sign-up?to=${encodeURIComponent(to)}`);
  await page.getByLabel('Name').fill('A Reader');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill('a long enough password');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  return email;
}

export async function fillAddress(form: Page | Locator, name = 'A Reader'): Promise<void> {
  await form.getByLabel('Name', { exact: true }).fill(name);
  await form.getByLabel('Street and number').fill('1 Main Street');
  await form.getByLabel('Town or city').fill('Seoul');
  await form.getByLabel('Postal code').fill('04524');
  await form.getByLabel('Country').selectOption('KR');
}

/** From the book's page to the order's, with the sandbox's good card. */
export async function rent(page: Page, bookId: string): Promise<void> {
  await page.goto(`/books/${bookId}/rent`);
  await fillAddress(page);
  await page.getByRole('button', { name: 'Go on to the payment' }).click();
  await page.getByRole('button', { name: /and rent$/ }).click();
}
