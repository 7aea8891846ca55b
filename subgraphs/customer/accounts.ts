/** Accounts: who they are, how they prove it, where they live. Each change is one event, written with it (no personal data in it). */
import { randomUUID } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import { z } from 'zod';
import { addressInput } from '#platform/address.ts';
import { audit } from '#platform/audit.ts';
import { type EntityManager, transaction } from '#platform/database.ts';
import { checkInput, codeOf, Refusal } from '#platform/errors.ts';
import { idInput } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import { publish } from '#platform/outbox.ts';
import type { Superusers } from '#platform/superuser.ts';
import { typedText } from '#platform/text.ts';
import { roles as allRoles, type Role, type Viewer } from '#platform/tokens.ts';
import type { DataOf } from '#schema/events.ts';
import { countAttempt, forgiveAttempt } from './attempts.ts';
import { Customer, ErasedCustomer, SavedAddress } from './entities.ts';
import { hashPassword, verifyNobodysPassword, verifyPassword } from './passwords.ts';
import { closeSessions, type NewSession, openSession, type Signing } from './sessions.ts';

const MAX_ADDRESSES = 50;

const email = z
  .string()
  .trim()
  .max(254, 'An e-mail address has at most 254 characters.')
  .pipe(z.email('This is not an e-mail address.'));
const password = z
  .string()
  .min(8, 'The password must have at least 8 characters.')
  .max(200, 'The password must have at most 200 characters.');
const name = typedText.min(1, 'The name must not be empty.').max(200, 'The name must have at most 200 characters.');

const signUpInput = z.object({ email, password, name });
const signInInput = z.object({ email: z.string().trim(), password: z.string() });
const updateInput = z.object({ email: email.nullish(), name: name.nullish() });
const providedInput = z.object({ email, name: z.string().transform((text) => text.slice(0, 200)) });
const changePasswordInput = z.object({ current: z.string(), new: password });
const saveAddressInput = addressInput.extend({
  id: idInput.nullish(),
  label: typedText.min(1, 'The label must not be empty.').max(100, 'The label must have at most 100 characters.'),
  isDefault: z.boolean().nullish(),
});

/** Makes an account. @throws Refusal DUPLICATE when the e-mail address has one. */
export async function signUp(em: EntityManager, signing: Signing, input: unknown): Promise<NewSession> {
  const details = checkInput(signUpInput, input);
  const passwordHash = await hashPassword(details.password);
  return unlessTaken(() =>
    transaction(em, async (em) => {
      const customer = register(em, { ...details, passwordHash, roles: ['CUSTOMER'] });
      return openSession(em, signing, customer);
    }),
  );
}

/** A new account within the caller's transaction; the e-mail address is checked by its unique index. */
export function register(
  em: EntityManager,
  {
    id = randomUUID(),
    email,
    name,
    passwordHash,
    roles,
  }: Pick<Customer, 'email' | 'name' | 'passwordHash' | 'roles'> & { id?: string },
): Customer {
  const customer = em.create(Customer, {
    id,
    email,
    emailKey: keyOf(email),
    name,
    passwordHash,
    roles,
    createdAt: new Date(),
    version: 0,
  });
  saved(em, customer, 'REGISTERED');
  return customer;
}

/**
 * Begins a session. Answers the same, and as slowly, whether the account is unknown or the password wrong.
 * @throws Refusal INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS
 */
export async function signIn(em: EntityManager, signing: Signing, client: string, input: unknown): Promise<NewSession> {
  const { email, password } = checkInput(signInInput, input);
  const attempt = { emailKey: keyOf(email), client };
  await countAttempt(em, attempt);
  const found = await em.findOne(Customer, { emailKey: attempt.emailKey });
  const right = await isPasswordOf(found, password);
  const wrong = new Refusal('INVALID_CREDENTIALS', 'The e-mail address or the password is wrong.');
  if (!found || !right) throw wrong;
  await forgiveAttempt(em, attempt);
  return transaction(em, async (em) => {
    const customer = await lockCustomer(em, found.id);
    if (customer.passwordHash !== found.passwordHash) throw wrong; // changed meanwhile
    return openSession(em, signing, customer);
  });
}

/** Takes the same time whether there is an account, and whether it has a password, or not. */
const isPasswordOf = (customer: Customer | null, password: string): Promise<boolean> =>
  customer?.passwordHash ? verifyPassword(password, customer.passwordHash) : verifyNobodysPassword(password);

/**
 * Whoever took an e-mail address that is named for ADMIN, or one that was given up, would have the role.
 * @throws Refusal DUPLICATE when another account has the e-mail address, POLICY_DENIED for one that is named
 */
export async function updateMe(
  em: EntityManager,
  superusers: Superusers,
  customerId: string,
  input: unknown,
): Promise<Customer> {
  const { email, name } = checkInput(updateInput, input);
  return unlessTaken(() =>
    change(em, customerId, 'DETAILS', async (customer) => {
      const moves = email && keyOf(email) !== customer.emailKey;
      if (moves && ((await superusers.include(email)) || (await superusers.include(customer.email))))
        throw new Refusal(
          'POLICY_DENIED',
          'An e-mail address that the shop has named for administration is neither taken nor given up here.',
          ['input', 'email'],
          'NAMED_FOR_ADMINISTRATION',
        );
      const same = (email ?? customer.email) === customer.email && (name ?? customer.name) === customer.name;
      customer.email = email ?? customer.email;
      customer.emailKey = keyOf(customer.email);
      customer.name = name ?? customer.name;
      return !same;
    }),
  );
}

/** Ends all sessions of the account and begins a new one. @throws Refusal INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS */
export async function changePassword(
  em: EntityManager,
  signing: Signing,
  { customerId, client }: { customerId: string; client: string },
  input: unknown,
): Promise<NewSession> {
  const { current, new: next } = checkInput(changePasswordInput, input);
  const found = await em.findOne(Customer, { id: customerId });
  if (!found) throw unknown(customerId);
  const attempt = { emailKey: found.emailKey, client };
  await countAttempt(em, attempt);
  const wrong = new Refusal('INVALID_CREDENTIALS', 'The current password is wrong.', ['input', 'current']);
  if (!(await isPasswordOf(found, current))) throw wrong;
  await forgiveAttempt(em, attempt);

  const passwordHash = await hashPassword(next);
  return transaction(em, async (em) => {
    const customer = await lockCustomer(em, customerId);
    if (customer.passwordHash !== found.passwordHash) throw wrong; // another change came first
    customer.passwordHash = passwordHash;
    saved(em, customer, 'PASSWORD');
    await closeSessions(em, customerId);
    return openSession(em, signing, customer);
  });
}

/** Adds an address, or changes the one of the given id. @throws Refusal NOT_FOUND, POLICY_DENIED when there are too many */
export async function saveAddress(em: EntityManager, customerId: string, input: unknown): Promise<Customer> {
  const { id, isDefault, ...lines } = checkInput(saveAddressInput, input);
  const details = { ...lines, isDefault: isDefault ?? false };
  return change(em, customerId, 'ADDRESSES', async (_customer, em) => {
    if (isDefault) await em.nativeUpdate(SavedAddress, { customerId }, { isDefault: false }); // there is one default
    if (id) em.assign(await ownAddress(em, customerId, id, ['input', 'id']), details);
    else await addAddress(em, customerId, details);
    return true;
  });
}

/** @throws Refusal NOT_FOUND */
export async function deleteAddress(em: EntityManager, customerId: string, id: string): Promise<Customer> {
  checkInput(idInput, id, ['id']);
  return change(em, customerId, 'ADDRESSES', async (_customer, em) => {
    em.remove(await ownAddress(em, customerId, id, ['id']));
    return true;
  });
}

const storedRoles = allRoles.filter((role) => role !== 'ADMIN');

/**
 * CUSTOMER is always among them, and ADMIN is for `superuser` to give. They count from the account's next access token.
 * @throws Refusal NOT_FOUND, POLICY_DENIED for ADMIN
 */
export async function setRoles(
  em: EntityManager,
  { viewer, superusers }: { viewer: Viewer; superusers: Superusers },
  customerId: string,
  wanted: Role[],
): Promise<Customer> {
  checkInput(idInput, customerId, ['customerId']);
  return change(em, customerId, 'ROLES', async (customer, em) => {
    if (wanted.includes('ADMIN') && !(await superusers.include(customer.email)))
      throw new Refusal(
        'POLICY_DENIED',
        'ADMIN is not given here: the setting SUPERUSER names the e-mail addresses of those who have it.',
        ['roles'],
      );
    const from = customer.roles;
    const to = storedRoles.filter((role) => role === 'CUSTOMER' || wanted.includes(role));
    if (to.join() === from.join()) return false;
    customer.roles = to;
    audit(em, viewer, 'setRoles', { type: 'Customer', id: customer.id }, { from, to });
    return true;
  });
}

/** E-mail addresses are not verified: one that is named before it has an account makes whoever takes it an administrator. */
export async function warnOfUnclaimed(em: EntityManager, superusers: Superusers, log: Log): Promise<void> {
  const named = await superusers.emails();
  const customers = await em.find(Customer, { emailKey: { $in: named } });
  const claimed = customers.map(({ emailKey }) => emailKey);
  for (const email of named.filter((email) => !claimed.includes(email)))
    log.warn(
      { email },
      'SUPERUSER names an e-mail address without an account: whoever signs up with it will have ADMIN',
    );
}

interface Provided {
  id: string;
  email: string;
  name: string;
  roles: Role[];
}

/**
 * The account of a customer whom an outside provider has sent, made when it is the first time; its roles are those of the
 * last token. An account that has the e-mail address already is somebody else's: linking the two would hand it over to whoever can
 * have the provider say that address. @throws Refusal DUPLICATE then, NOT_FOUND when it was erased, INVALID_INPUT
 */
export async function provide(em: EntityManager, { id, ...provided }: Provided): Promise<void> {
  const roles = storedRoles.filter((role) => provided.roles.includes(role));
  const details = checkInput(providedInput, provided, ['claims']);
  const known = await em.findOne(Customer, { id });
  if (known?.roles.join() === roles.join()) return;
  if (!known && (await em.findOne(ErasedCustomer, { id }))) throw new Refusal('NOT_FOUND', 'This account was erased.');
  if (!known) return registerOnce(em, { id, ...details, passwordHash: null, roles });
  await change(em, id, 'ROLES', async (customer) => {
    customer.roles = roles;
    return true;
  });
}

/** Several requests of a customer who has just come make one account. */
async function registerOnce(
  em: EntityManager,
  account: Parameters<typeof register>[1] & { id: string },
): Promise<void> {
  try {
    await unlessTaken(() => transaction(em, async (em) => register(em, account)));
  } catch (error) {
    if (!(await em.fork().findOne(Customer, { id: account.id }))) throw error;
  }
}

type Kind = DataOf<'customer.saved'>['change'];

/** Changes an account under its row lock; the event is written when the work says that there was a change. */
function change(
  em: EntityManager,
  customerId: string,
  kind: Kind,
  work: (customer: Customer, em: EntityManager) => Promise<boolean>,
): Promise<Customer> {
  return transaction(em, async (em) => {
    const customer = await lockCustomer(em, customerId);
    if (await work(customer, em)) saved(em, customer, kind);
    return customer;
  });
}

/** Under its row lock. @throws Refusal NOT_FOUND */
async function lockCustomer(em: EntityManager, id: string): Promise<Customer> {
  const customer = await em.findOne(Customer, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!customer) throw unknown(id);
  return customer;
}

const unknown = (id: string) => new Refusal('NOT_FOUND', `There is no customer ${id}.`, ['customerId']);

/** The roles as they are stored: ADMIN comes and goes with a setting, of whose change no row and so no event could tell. */
function saved(em: EntityManager, customer: Customer, kind: Kind): void {
  publish(em, customer, 'customer.saved', { customerId: customer.id, roles: customer.roles, change: kind });
}

/**
 * Tells again of the next accounts after this id, as they are, each as a new version. Answers their ids; none after the last.
 * For `npm run republish`: who comes late learns so what has left the stream.
 */
export async function republishCustomers(em: EntityManager, after: string, limit: number): Promise<string[]> {
  const next = { orderBy: { id: 'asc' }, limit, lockMode: LockMode.PESSIMISTIC_WRITE } as const;
  const customers = await em.find(Customer, { id: { $gt: after } }, next);
  for (const customer of customers) saved(em, customer, 'DETAILS'); // the contract has no name for "nothing"
  return customers.map(({ id }) => id);
}

async function ownAddress(em: EntityManager, customerId: string, id: string, path: string[]): Promise<SavedAddress> {
  const address = await em.findOne(SavedAddress, { id, customerId });
  if (!address) throw new Refusal('NOT_FOUND', `There is no address ${id}.`, path);
  return address;
}

/** Within the caller's transaction. */
export async function addAddress(
  em: EntityManager,
  customerId: string,
  details: Omit<SavedAddress, 'id' | 'customerId' | 'createdAt'>,
): Promise<void> {
  if ((await em.count(SavedAddress, { customerId })) >= MAX_ADDRESSES)
    throw new Refusal(
      'POLICY_DENIED',
      `An account keeps at most ${MAX_ADDRESSES} addresses.`,
      ['input'],
      'TOO_MANY_ADDRESSES',
    );
  em.create(SavedAddress, { id: randomUUID(), customerId, createdAt: new Date(), ...details });
}

/** One address however it is typed. */
const keyOf = (email: string): string => email.toLowerCase();

/** @throws Refusal DUPLICATE when the unique index on the e-mail address says no. */
async function unlessTaken<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(codeOf(error) === '23505' && String(error).includes('customer_email_key_key'))) throw error;
    throw new Refusal('DUPLICATE', 'There is an account with this e-mail address.', ['input', 'email']);
  }
}
