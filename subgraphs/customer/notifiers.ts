/** The channels that the settings name: none, either or both. */
import type { Config, Setting } from '#platform/config.ts';
import type { Notifier } from './notifier.ts';
import { smtpNotifier } from './smtp.ts';
import { webhookNotifier } from './webhook.ts';

export const notifierSettings = [
  'SMTP_URL',
  'SMTP_FROM',
  'NOTIFY_WEBHOOK_URL',
  'NOTIFY_WEBHOOK_SECRET',
] as const satisfies Setting[];

export function notifiersOf(config: Config<(typeof notifierSettings)[number]>): Notifier[] {
  const { SMTP_URL, SMTP_FROM, NOTIFY_WEBHOOK_URL, NOTIFY_WEBHOOK_SECRET } = config;
  return [
    ...(SMTP_URL && SMTP_FROM ? [smtpNotifier({ SMTP_URL, SMTP_FROM })] : []),
    ...(NOTIFY_WEBHOOK_URL && NOTIFY_WEBHOOK_SECRET
      ? [webhookNotifier({ NOTIFY_WEBHOOK_URL, NOTIFY_WEBHOOK_SECRET })]
      : []),
  ];
}
