/** The database of a service: its own tables, and beside them those that outbox, relay, consumers and the audit log need. */
import { AuditRow } from './audit.ts';
import { type DatabaseOptions, type Orm, openDatabase } from './database.ts';
import { platformMigrations } from './migrations.ts';
import { OutboxRow } from './outbox.ts';

/** As `openDatabase`; `entities` and `migrations` are the service's own. */
export const openServiceDatabase = ({ entities, migrations, ...options }: DatabaseOptions): Promise<Orm> =>
  openDatabase({
    ...options,
    entities: [OutboxRow, AuditRow, ...entities],
    migrations: [...platformMigrations, ...migrations],
  });
