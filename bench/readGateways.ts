/** The three gateways of `reads`, before the same subgraphs. */
import { freePort } from '../local/ports.ts';
import { type Environment, launchProcess, mainOf } from '../local/services.ts';
import { cpuMsOf } from './cpu.ts';
import { rssMbOf } from './memory.ts';
import { installRivals, rivalNamed } from './rivals.ts';

/** The file of its process, and the settings that are its own. */
interface Program {
  file: string;
  settings: Environment;
}

const programs = {
  /** As a user runs it, but that one caller may ask for as much as there is; it is counted all the same. */
  ours: { file: mainOf('router'), settings: { MAX_IN_FLIGHT: '1000000', RATES: '*=999999999' } },
  hive: { file: rivalNamed('hiveReads.mjs'), settings: {} },
  apollo: { file: rivalNamed('apolloReads.mjs'), settings: {} },
} as const satisfies Record<string, Program>;

export type ReadGatewayName = keyof typeof programs;
export const readGatewayNames = Object.keys(programs) as ReadGatewayName[];

export interface ReadGateway {
  name: ReadGatewayName;
  url: string;
  /** Milliseconds of CPU that the process has used since it began. */
  cpuMs(): number;
  rssMb(): number;
  stop(): Promise<void>;
}

/** @param environment the router's own; without its ROUTER_KEY a rival does not sign */
export async function startReadGateway(name: ReadGatewayName, environment: Environment): Promise<ReadGateway> {
  await installRivals();
  const { file, settings } = programs[name];
  const port = await freePort();
  const gateway = launchProcess(file, {
    environment: { ...environment, ...settings, HOST: '127.0.0.1', PORT: String(port) },
    onLine: () => {},
  });
  await gateway.ready;
  return {
    name,
    url: `http://127.0.0.1:${port}`,
    cpuMs: () => cpuMsOf(gateway.pid),
    rssMb: () => rssMbOf(gateway.pid),
    stop: gateway.stop,
  };
}
