/** The database of a service: its own tables, and beside them those that outbox, relay, consumers and the audit log need. */
import { AuditRow } from './audit.ts';
import { type DatabaseContent, type DatabaseOptions, type Orm, openDatabase } from './database.ts';
import { platformMigrations } from './migrations.ts';
import { OutboxRow } from './outbox.ts';

/** What is in a service's database: its own, and the platform's. */
export const serviceDatabase = ({ entities, migrations }: DatabaseContent): DatabaseContent => ({
  entities: [OutboxRow, AuditRow, ...entities],
  migrations: [...platformMigrations, ...migrations],
});

/** As `openDatabase`; `entities` and `migrations` are the service's own. */
export const openServiceDatabase = (options: DatabaseOptions): Promise<Orm> =>
  openDatabase({ ...options, ...serviceDatabase(options) });
