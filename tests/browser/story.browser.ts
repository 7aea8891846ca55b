/** The main story, as people live it: a reader with a phone in Korean, and staff at a desk. */
import { addBook } from '../client.ts';
import type { Visitor } from './browser.ts';
import { signIn } from './people.ts';
import { openShop } from './shop.ts';

const shop = openShop({ SANDBOX_CARRIER_STEP_MS: '700' });
let reader: Visitor;
let desk: Visitor;

beforeAll(async () => {
  await addBook(await shop.system.clientWith('STAFF'), 3, { title: '동백꽃 필 무렵', authors: ['김유정'] });
  reader = await shop.visit('phone');
  desk = await shop.visit('desktop');
});

/** The order's status, as the page shows it beside its title. */
const status = (page: Visitor['page'], words: string) =>
  page.locator('main .heading').getByText(words, { exact: true });

test('a reader finds a book, makes an account, and rents it in two steps', async () => {
  const { page, shoot } = reader;

  await page.getByRole('searchbox').fill('동백꽃');
  await page.getByRole('link', { name: /동백꽃 필 무렵/ }).click();
  await page.getByRole('heading', { name: '동백꽃 필 무렵', level: 1 }).waitFor();
  await shoot('story-1-book');
  await page.getByRole('link', { name: '대여 신청' }).click();
  await page.getByRole('link', { name: '회원 가입' }).click();
  await page.getByLabel('이름').fill('김하나');
  await page.getByLabel('이메일').fill('hana@example.test');
  await page.getByLabel('비밀번호').fill('아주 긴 비밀번호 하나');
  await page.getByRole('button', { name: '가입하기' }).click();

  await page.getByRole('heading', { name: '어디로 보내 드릴까요?' }).waitFor();
  await page.getByLabel('받는 분').fill('김하나');
  await page.getByLabel('우편번호').fill('04524');
  await page.getByLabel('도시').fill('서울');
  await page.getByLabel('주소', { exact: true }).fill('세종대로 110');
  await shoot('story-2-address');
  await page.getByRole('button', { name: '결제 단계로' }).click();
  await page.getByRole('button', { name: /결제하고 대여하기/ }).waitFor();
  await shoot('story-3-payment');
  await page.getByRole('button', { name: /결제하고 대여하기/ }).click();

  await page.getByRole('heading', { name: '동백꽃 필 무렵', level: 1 }).waitFor();
  await page.getByText('주문이 접수되어 발송을 준비합니다').waitFor();
  await shoot('story-4-accepted');
});

test('the order moves by itself until the book is there, and the reader sends it back', async () => {
  const { page, shoot } = reader;

  await status(page, '대여 중').waitFor();
  await page.getByText('책을 받아 대여가 시작되었습니다').waitFor();
  await shoot('story-5-on-loan');
  await page.getByRole('button', { name: '반납 신청' }).click();

  await status(page, '반납 도착').waitFor();
  await shoot('story-6-returned');
});

test('staff scan the copy at the desk, and with a key and Enter the order is closed on the phone', async () => {
  const { page, shoot } = desk;
  await signIn(page, 'staff@demo.test');
  await page.getByRole('link', { name: 'Back office' }).click();
  await page.getByRole('link', { name: 'Inspection desk' }).click();
  const row = page.getByRole('row', { name: /동백꽃 필 무렵/ });
  const barcode = await row.getByRole('rowheader').innerText();

  await page.keyboard.type(barcode); // as a scanner does: no field was clicked
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '동백꽃 필 무렵' }).waitFor();
  await page.keyboard.press('1');
  await shoot('story-7-inspection');
  await page.keyboard.press('Enter');

  await page.getByText(`${barcode} saved`).waitFor();
  await status(reader.page, '완료').waitFor();
  await reader.shoot('story-8-closed');
});

test('nothing broke on either page', () => {
  expect({ reader: reader.complaints, desk: desk.complaints }).toEqual({ reader: [], desk: [] });
});
