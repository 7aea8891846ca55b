/**
 * The port to whatever carries messages to customers; its adapters are smtp.ts and webhook.ts. Each is a channel of its own:
 * what one of them cannot do now does not make the other do it twice.
 */
import type { Letter, NotificationKind, Refund } from './letters.ts';

export type Channel = 'MAIL' | 'WEBHOOK';

export interface Message extends Letter {
  /** The same however often it is sent: whoever has had it before can tell. */
  id: string;
  kind: NotificationKind;
  customerId: string;
  email: string;
  rentalId: string | null;
  waitlistEntryId: string | null;
  bookId: string;
  title: string | null;
  dueAt: Date | null;
  expiresAt: Date | null;
  refund: Refund | null;
  createdAt: Date;
}

/**
 * REFUSED: this message will never be taken. UNAVAILABLE: perhaps later, and it may have been taken all the same. The reason is
 * made of codes alone: what a server says may name the customer.
 */
export type SendResult = { outcome: 'TAKEN' } | { outcome: 'REFUSED' | 'UNAVAILABLE'; reason: string };

export interface Notifier {
  channel: Channel;
  /** A send takes no longer. */
  timeoutMs: number;
  /** Never throws. */
  send(message: Message, signal: AbortSignal): Promise<SendResult>;
}
