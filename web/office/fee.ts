/** Amounts as people type them (4500, 4,500 or 4.50), and as the API has them: whole minor units. */

/** GraphQL's Int has no more. */
const MOST = 2 ** 31 - 1;

/** Null for what is no amount of the currency. */
export function minorUnits(typed: string, currency: string): number | null {
  const digits = digitsOf(currency);
  const [, whole = '', part = ''] =
    /^(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?$/.exec(typed.normalize('NFKC').replace(/\s/g, '')) ?? [];
  if (!whole || part.length > digits) return null;
  const amount = Number(whole.replaceAll(',', '') + part.padEnd(digits, '0'));
  return amount > MOST ? null : amount;
}

/** For an input; `minorUnits` reads it again. */
export function asTyped({ amount, currency }: { amount: number; currency: string }): string {
  const digits = digitsOf(currency);
  return (amount / 10 ** digits).toFixed(digits);
}

function digitsOf(currency: string): number {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  return format.resolvedOptions().maximumFractionDigits ?? 0;
}
