/** What addresses mean: where one is reached, and which network one is counted to. */

/** A wildcard address is listened on, not called. */
export const reachedAt = (host: string): string => (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host);

/** An IPv6 address's /64: one household has that much at least, and could come from a new address each time. An IPv4 address is itself. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const { hostname } = new URL(`http://[${address.split('%', 1)[0]}]`); // in the one spelling that there is of it
  const [front = '', back = ''] = hostname.slice(1, -1).split('::');
  const [before, after] = [groupsOf(front), groupsOf(back)];
  const omitted = Array<string>(8 - before.length - after.length).fill('0');
  return `${[...before, ...omitted, ...after].slice(0, 4).join(':')}::/64`;
}

const groupsOf = (part: string): string[] => part.split(':').filter(Boolean);
