/** A database asked past whoever owns it. */
import { Client } from 'pg';

/** The rows of one statement, on a connection of its own. */
export async function askDatabase<Row>(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
}
