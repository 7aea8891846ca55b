/**
 * What a client does at a system with the demo accounts, as a process of its own: it may have to run where the containers are.
 * `story URL` rents a book and sends it back, `orders URL` looks at what the reader has ordered; both tell the orders. `page URL`
 * tells the page as a browser gets it, and its script.
 */
import { signIn } from '../client.ts';
import { rentAndReturn } from '../helm/story.ts';

const [task, url = ''] = process.argv.slice(2);
const tell = (text: string) => process.stdout.write(text);
if (task === 'page') await page();
else await orders();

async function page(): Promise<void> {
  const html = await (await fetch(url, { headers: { accept: 'text/html' } })).text();
  const [, script = ''] = /src="([^"]+\.js)"/.exec(html) ?? [];
  tell(html + (await (await fetch(`${url}${script}`)).text()));
}

async function orders(): Promise<void> {
  const reader = await signIn(url, 'reader@demo.test');
  if (task === 'story') await rentAndReturn(reader, await signIn(url, 'staff@demo.test'));
  const { me } = await reader.data(
    '{ me { orders(first: 20) { edges { node { id bookTitle status timeline { status } } } } } }',
  );
  tell(JSON.stringify(me.orders.edges));
}
