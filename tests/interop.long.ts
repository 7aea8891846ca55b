/** Clients that others wrote, whose router is killed or stopped under them; the first of them is in interop.test.ts. */
import { foreignClients, survivesRestarts } from './foreignClients.ts';
import { type System, startSystem } from './system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ SANDBOX_CARRIER_STEP_MS: '400' });
}, 90_000);
afterAll(() => system?.stop());

describe.each(foreignClients.slice(1))('$name', (client) => survivesRestarts(client, () => system));
