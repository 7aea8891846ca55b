/** Which wires there are, and the settings by which a service finds all others through them. */

import { serviceUrl } from '#platform/provision.ts';
import { natsUrl } from '../../local/nats.ts';
import { freePort } from '../../local/ports.ts';
import type { Secrets } from '../../local/secrets.ts';
import { type Environment, type Owner, owners, type Service, wiringOf } from '../../local/services.ts';
import { layWire, type Wire } from './wires.ts';

/** Those that are replicated; the sandbox is one, as a bank and a courier are. */
const subgraphs = ['book', 'rental', 'delivery', 'customer'] as const;
const doubled = [...subgraphs, 'router'] as const;

interface Replica {
  /** `book 1` */
  name: string;
  service: Service;
  port: number;
}

export interface Network {
  replicas: Replica[];
  wires: Wire[];
  /** Of a replica: every address in it is a wire's. */
  environmentOf(replica: Replica): Environment;
}

export interface Servers {
  secrets: Secrets;
  postgresPort: number;
  /** Entered as an account that may do everything. */
  adminUrl: string;
  nats: { folder: string; port: number; password: string };
}

export const databaseOf = (owner: Owner): string => `rentabook_${owner}`;

/** A service's own database, by a port of one's choice: the server's own, or a wire's. */
export function databaseUrlOf({ adminUrl, secrets }: Servers, owner: Owner, port: number): string {
  const url = new URL(serviceUrl(adminUrl, databaseOf(owner), secrets.databasePasswords[owner]));
  url.port = String(port);
  return url.href;
}

export async function layNetwork(servers: Servers): Promise<Network> {
  const { secrets, postgresPort, nats } = servers;
  const replicas = await chooseReplicas();
  const wires: Wire[] = [];
  const portsOf = (wanted: Service) => replicas.flatMap(({ service, port }) => (service === wanted ? [port] : []));

  /** Answers the port of the wire. */
  async function lay(name: string, targets: number[]): Promise<number> {
    const wire = await layWire(name, targets);
    wires.push(wire);
    return wire.port;
  }
  const layAll = async <Name extends string>(names: readonly Name[], wireTo: (name: Name) => Promise<number>) =>
    Object.fromEntries(await Promise.all(names.map(async (name) => [name, await wireTo(name)]))) as Record<
      Name,
      number
    >;

  const toSubgraphs = await layAll(subgraphs, (service) => lay(`router to ${service}`, portsOf(service)));
  const toPostgres = await layAll(owners, (owner) => lay(`${owner} to postgres`, [postgresPort]));
  const toNats = await layAll(subgraphs, (service) => lay(`${service} to nats`, [nats.port]));
  const toBank = await lay('rental to bank', portsOf('sandbox'));
  const toCarrier = await lay('delivery to carrier', portsOf('sandbox'));
  const toRouters = await lay('courier to router', portsOf('router'));

  const wiring = wiringOf({
    ports: { ...toSubgraphs, sandbox: toBank, router: toRouters },
    host: '127.0.0.1',
    routerUrl: urlOf(toRouters),
    natsUrl: natsUrl(nats),
    databaseUrls: Object.fromEntries(
      owners.map((owner) => [owner, databaseUrlOf(servers, owner, toPostgres[owner])]),
    ) as Record<Owner, string>, // of all owners
    secrets,
  });
  const particular: Partial<Record<Service, Environment>> = Object.fromEntries(
    subgraphs.map((service) => [service, { NATS_URL: natsUrl({ ...nats, port: toNats[service] }) }]),
  );

  return {
    replicas,
    wires,
    environmentOf: ({ service, port }) => ({
      ...wiring[service],
      ...particular[service],
      ...(service === 'delivery' && { CARRIER_URL: urlOf(toCarrier) }),
      PORT: String(port),
    }),
  };
}

async function chooseReplicas(): Promise<Replica[]> {
  const replicas: Replica[] = [{ name: 'sandbox', service: 'sandbox', port: await freePort() }];
  for (const service of doubled)
    for (const number of [1, 2]) replicas.push({ name: `${service} ${number}`, service, port: await freePort() });
  return replicas;
}

export const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
