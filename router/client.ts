/** The address of whoever asks. A header may say anything, so it is believed only as far as trusted proxies have written it. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import proxyAddress from 'proxy-addr';

/** '' when they have left already. */
export type ClientOf = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => string;

/**
 * The nearest address on the way of `X-Forwarded-For` that is no trusted proxy's: each hop has written the address from which it
 * was asked at the end, so whatever a client makes up stands before its own.
 * @param proxies addresses and CIDR blocks; without any, the header says nothing
 */
export function trusting(proxies: readonly string[]): ClientOf {
  const isTrusted = proxyAddress.compile([...proxies]);
  return (request) => {
    if (!request.socket.remoteAddress) return '';
    const way = proxyAddress.all(request as IncomingMessage, isTrusted); // all that it reads of it
    return plain(way.findLast((address) => isIP(address)) ?? '');
  };
}

/** On a socket for both, an IPv4 address is written as one of IPv6. */
const plain = (address: string): string => address.replace(/^::ffff:(?=[\d.]+$)/i, '');
