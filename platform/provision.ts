/** A database for each service, and a role that owns it and may enter no other. */
import { Client } from 'pg';
import { reasonOf } from './errors.ts';

/**
 * Makes what is missing and sets the passwords; to be repeated at will. Keys are the names of database and role alike,
 * values the passwords. `adminUrl` may create roles and databases; it need not be a superuser.
 */
export async function provision(adminUrl: string, passwords: Record<string, string>): Promise<void> {
  const admin = new Client({ connectionString: adminUrl, connectionTimeoutMillis: 10_000 });
  admin.on('error', () => {}); // the statement under way tells
  await admin.connect().catch((cause: unknown) => {
    throw new Error(`PostgreSQL at ${admin.host}:${admin.port} cannot be entered: ${reasonOf(cause)}.`, { cause });
  });
  try {
    await admin.query("SELECT pg_advisory_lock(hashtext('rentabook provision'))"); // gone with the connection
    for (const [name, password] of Object.entries(passwords)) {
      await makeRole(admin, name, password);
      await makeDatabase(admin, name);
    }
  } finally {
    await admin.end();
  }
}

/** The same server, entered as the service. */
export function serviceUrl(adminUrl: string, name: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = name;
  url.password = password;
  url.pathname = name;
  return url.href;
}

async function makeRole(admin: Client, name: string, password: string): Promise<void> {
  const role = admin.escapeIdentifier(name);
  if (!(await exists(admin, 'SELECT FROM pg_roles WHERE rolname = $1', name))) await admin.query(`CREATE ROLE ${role}`);
  await admin.query(`ALTER ROLE ${role} LOGIN NOCREATEDB NOCREATEROLE PASSWORD ${admin.escapeLiteral(password)}`);
}

async function makeDatabase(admin: Client, name: string): Promise<void> {
  const [database, role] = [admin.escapeIdentifier(name), admin.escapeIdentifier(name)];
  if (!(await exists(admin, 'SELECT FROM pg_database WHERE datname = $1', name))) {
    if (!(await isSuperuser(admin))) await admin.query(`GRANT ${role} TO CURRENT_USER`); // or it may not give the role a database
    await admin.query(
      `CREATE DATABASE ${database} OWNER ${role} TEMPLATE template0 ENCODING 'UTF8' ${await locale(admin)}`,
    );
  }
  await admin.query(`REVOKE CONNECT, TEMPORARY ON DATABASE ${database} FROM PUBLIC`);
}

/**
 * Text is ordered by code point, and letters are what Unicode calls so: the trigrams of pg_trgm ask the operating system's
 * LC_CTYPE, whatever the provider, and with "C" there would be no letter in a Korean title.
 */
async function locale(admin: Client): Promise<string> {
  const { rows } = await admin.query(
    "SELECT CASE WHEN version() LIKE '%apple%' THEN 'UTF-8' ELSE 'C.UTF-8' END AS ctype",
  );
  return `LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE ${admin.escapeLiteral(rows[0].ctype)}`;
}

async function isSuperuser(admin: Client): Promise<boolean> {
  const { rows } = await admin.query("SELECT current_setting('is_superuser') = 'on' AS yes");
  return rows[0].yes;
}

async function exists(admin: Client, sql: string, name: string): Promise<boolean> {
  const { rowCount } = await admin.query(sql, [name]);
  return rowCount === 1;
}
