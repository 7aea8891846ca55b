/**
 * Reads a form or query string as Stripe's clients write it, one level deep: `amount=1&metadata[rentalId]=x&expand[0]=y`
 * gives { amount: '1', metadata: { rentalId: 'x' }, expand: { 0: 'y' } }.
 */
export function parseForm(form: string): Record<string, unknown> {
  const byName = Map.groupBy(new URLSearchParams(form), ([name]) => name.split('[', 1)[0] ?? '');
  return Object.fromEntries([...byName].map(([name, fields]) => [name, fieldValue(name, fields)]));
}

function fieldValue(name: string, fields: [string, string][]): unknown {
  const plain = fields.find(([field]) => field === name);
  return plain
    ? plain[1]
    : Object.fromEntries(fields.map(([field, value]) => [field.slice(name.length + 1, -1), value]));
}
