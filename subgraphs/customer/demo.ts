/** The accounts to try Rentabook with, made where there are none at all. */
import { type EntityManager, query, transaction } from '#platform/database.ts';
import type { Role } from '#platform/tokens.ts';
import { addAddress, register } from './accounts.ts';
import { Customer } from './entities.ts';
import { hashPassword } from './passwords.ts';

const PASSWORD = 'rentabook';

const accounts: { email: string; name: string; roles: Role[] }[] = [
  { email: 'reader@demo.test', name: 'Demo Reader', roles: ['CUSTOMER'] },
  { email: 'staff@demo.test', name: 'Demo Staff', roles: ['CUSTOMER', 'STAFF'] },
  { email: 'courier@demo.test', name: 'Demo Courier', roles: ['CUSTOMER', 'COURIER'] },
  { email: 'admin@demo.test', name: 'Demo Admin', roles: ['CUSTOMER'] }, // the rest is in SUPERUSER, as `npm start` gives it
];

export async function makeDemoAccounts(em: EntityManager): Promise<void> {
  const passwordHash = await hashPassword(PASSWORD);
  await transaction(em, async (em) => {
    await query(em, "SELECT pg_advisory_xact_lock(hashtext('rentabook demo accounts'))"); // replicas start together
    if (await em.count(Customer)) return;
    const [reader] = accounts.map((account) => register(em, { ...account, passwordHash }));
    if (!reader) return;
    await addAddress(em, reader.id, {
      label: 'Home',
      name: reader.name,
      line1: '110 Sejong-daero',
      line2: 'Jung-gu',
      city: 'Seoul',
      postalCode: '04524',
      country: 'KR',
      phone: null,
      isDefault: true,
    });
  });
}
