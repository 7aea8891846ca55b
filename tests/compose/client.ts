/**
 * What a client does at a system with the demo accounts, as a process of its own: it may have to run where the containers are.
 * `story URL` rents a book and sends it back, `orders URL` looks at what the reader has ordered; both tell the orders.
 */
import { signIn } from '../client.ts';
import { rentAndReturn } from '../helm/story.ts';

const [task, url = ''] = process.argv.slice(2);
const reader = await signIn(url, 'reader@demo.test');
if (task === 'story') await rentAndReturn(reader, await signIn(url, 'staff@demo.test'));
const { me } = await reader.data(
  '{ me { orders(first: 20) { edges { node { id bookTitle status timeline { status } } } } } }',
);
process.stdout.write(JSON.stringify(me.orders.edges));
