/** The notifier that sends plain-text mail by a mail server. */
import { createTransport, type NodemailerError } from 'nodemailer';
import { codeOf } from '#platform/errors.ts';
import type { Notifier, SendResult } from './notifier.ts';

interface SmtpSettings {
  SMTP_URL: string;
  SMTP_FROM: string;
}

/** A server may look at a message for long before it takes it, and a send that is cut off then comes twice. */
const TIMEOUT_MS = 60_000;

export function smtpNotifier({ SMTP_URL, SMTP_FROM }: SmtpSettings): Notifier {
  const { protocol, hostname, port, username, password } = new URL(SMTP_URL);
  const auth = username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  const transport = createTransport({
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port || undefined,
    secure: protocol === 'smtps:',
    requireTLS: Boolean(auth), // a password never travels in the clear
    auth: auth || undefined,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = SMTP_FROM.replace(/^.*@|[>\s]+$/g, '');

  return {
    channel: 'MAIL',
    timeoutMs: TIMEOUT_MS,
    async send({ id, email, subject, text }, signal) {
      try {
        await transport.sendMail({
          from: SMTP_FROM,
          to: { name: '', address: email },
          subject,
          text,
          messageId: `<${id}@${domain}>`,
          headers: { 'Auto-Submitted': 'auto-generated' },
          signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        });
        return { outcome: 'TAKEN' };
      } catch (error) {
        return failureOf(error as NodemailerError); // what nodemailer throws
      }
    },
  };
}

/**
 * A refusal is about this recipient or this text. What is said to the sender or to the password is about the settings, and will
 * be mended.
 */
function failureOf(error: NodemailerError): SendResult {
  const { command = '', responseCode, permanent } = error;
  const aboutMessage = command === 'RCPT TO' || command === 'DATA';
  const noAddress = codeOf(error) === 'EENVELOPE' && command === 'API';
  const reason = responseCode ? `SMTP ${responseCode} at ${command}` : `SMTP ${codeOf(error) || 'failed'}`;
  return { outcome: noAddress || (permanent && aboutMessage) ? 'REFUSED' : 'UNAVAILABLE', reason };
}
