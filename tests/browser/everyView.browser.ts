/** Every view there is, looked at by axe-core, in both languages, in the light and in the dark; attack strings show as text. */
import { addBook, signIn as clientOf, eventually, rentalOf, requestRental } from '../client.ts';
import { type Visitor, violations } from './browser.ts';
import { signIn } from './people.ts';
import { openShop } from './shop.ts';

const ATTACK = '<img src=x onerror="document.title=1">"\'><script>document.title=2</script>{{7*7}}';

const shop = openShop({ SANDBOX_CARRIER_STEP_MS: '300' });
const ids = { book: '', taken: '', rental: '', delivery: '', customer: '' };

beforeAll(async () => {
  const [staff, reader] = await Promise.all([
    clientOf(shop.system.url, 'staff@demo.test'),
    clientOf(shop.system.url, 'reader@demo.test'),
  ]);
  ids.book = await addBook(staff, 2, { title: `Book ${ATTACK}`, authors: [ATTACK], tags: ['attack'] });
  ids.taken = await addBook(staff, 0, { title: 'Nobody has this one' });
  const { rental } = await requestRental(reader, ids.book, {
    deliverTo: { name: ATTACK, line1: ATTACK, city: 'Seoul', postalCode: '04524', country: 'KR' },
  });
  ids.rental = rental.id;
  await reader.data('mutation ($id: ID!) { joinWaitlist(bookId: $id) { userErrors { code } } }', { id: ids.taken });
  const lent = await eventually(
    () => rentalOf(reader, rental.id),
    ({ status }) => status === 'ON_LOAN',
  );
  ids.delivery = lent.deliveries[0].id;
  ids.customer = (await reader.data('{ me { id } }')).me.id;
  await reader.data('mutation ($id: ID!) { returnRental(rentalId: $id) { userErrors { code } } }', { id: ids.rental });
  await eventually(
    () => rentalOf(reader, rental.id),
    ({ status }) => status === 'RETURNED',
  );
});

const of = (path: string) => path.replace(/:(\w+)/g, (_, name: keyof typeof ids) => ids[name]);

const anybodys = [
  '/',
  '/?q=nothing-like-this',
  '/books/:book',
  '/books/:taken',
  '/books/no-such-book',
  '/sign-in',
  '/sign-up',
  '/no-such-page',
];
const own = [
  '/books/:book/rent',
  '/books/:book/rent?step=payment',
  '/orders',
  '/orders/:rental',
  '/orders/no-such-order',
  '/waitlist',
  '/account',
];
const staff = [
  '/office',
  '/office/rentals',
  '/office/rentals/:rental',
  '/office/inspection',
  '/office/inspection?status=REPAIR',
  '/office/deliveries',
  '/office/deliveries/:delivery',
  '/office/customers',
  '/office/customers/:customer',
  '/office/books',
  '/office/books/new',
  '/office/books/:book',
  '/office/import',
];
const admin = ['/office/dead-letters', '/office/audit-log'];

const settings = [
  ['phone', 'ko-KR', 'light'],
  ['desktop', 'en-GB', 'dark'],
] as const;

describe.each(settings)('on a %s, %s, in the %s', (device, locale, colorScheme) => {
  const visit = () => shop.visit(device, { locale, colorScheme });

  async function look({ page, shoot, complaints }: Visitor, paths: readonly string[]): Promise<void> {
    const found: Record<string, string[]> = {};
    for (const path of paths) {
      await page.goto(of(path));
      await page.locator('main h1').waitFor();
      await page.waitForLoadState('networkidle');
      found[path] = await violations(page);
      await shoot(`${locale}${path.replace(/[/?=:]+/g, '-')}`);
      expect(await page.title()).toMatch(/ · Rentabook$/); // no attack has changed it
    }
    expect(found).toEqual(Object.fromEntries(paths.map((path) => [path, []])));
    expect(complaints).toEqual([]);
  }

  test('what anybody sees', async () => {
    await look(await visit(), anybodys);
  });

  test.each([
    ['a reader', 'reader@demo.test', own],
    ['staff', 'staff@demo.test', staff],
    ['an admin', 'admin@demo.test', admin],
    ['a courier', 'courier@demo.test', ['/office/deliveries', '/office/deliveries/:delivery']],
  ])('what %s sees', async (_who, email, paths) => {
    const visitor = await visit();
    await signIn(visitor.page, email);
    await look(visitor, paths);
  });
});

test('an attack in title, author, name and address is text, wherever it shows', async () => {
  const { page, complaints } = await shop.visit('desktop');
  await signIn(page, 'staff@demo.test');

  for (const path of ['/books/:book', '/office/books/:book', '/office/deliveries/:delivery']) {
    await page.goto(of(path));
    await page.getByText(ATTACK).first().waitFor();
    expect(await page.locator('img, main script').count()).toBe(0);
  }
  expect(complaints).toEqual([]);
});
