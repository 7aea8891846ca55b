/** Our router and its rival, before the same subgraph: started, and asked what they use. */
import { freePort } from '../local/ports.ts';
import { type Environment, mainOf } from '../local/services.ts';
import { launchInspected, type Memory, memoryOf } from '../tests/inspect.ts';
import { cpuMsOf } from './cpu.ts';
import { startHiveGateway } from './hiveGateway.ts';

export const gatewayNames = ['ours', 'hive'] as const;
export type GatewayName = (typeof gatewayNames)[number];

export interface Gateway {
  /** For graphql-ws. */
  url: string;
  /** What is left after a garbage collection. */
  memory(): Promise<Memory>;
  /** Milliseconds of CPU that the process has used since it began. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/** @param environment the router's own */
export async function startGateway(name: GatewayName, environment: Environment): Promise<Gateway> {
  const [port, inspectPort] = [await freePort(), await freePort()];
  const { CUSTOMER_URL: customerUrl = '', ROUTER_KEY: routerKey = '' } = environment;
  const running =
    name === 'ours'
      ? launchInspected(mainOf('router'), {
          environment: { ...environment, PORT: String(port), GRAPHIQL: 'off', RENTABOOK_LIMITS: 'off' },
          onLine: () => {},
          inspectPort,
        })
      : await startHiveGateway({ port, inspectPort, customerUrl, routerKey });
  await running.ready;
  return {
    url: `ws://127.0.0.1:${port}/graphql`,
    memory: () => memoryOf(inspectPort),
    cpuMs: () => cpuMsOf(running.pid),
    stop: running.stop,
  };
}
