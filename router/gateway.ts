/**
 * What Apollo Server runs operations by: compiled plans, and behind them Apollo's gateway, which is loaded when an operation comes
 * that only its executor can run. Until then it would hold 28 MB, and take half a second of the start.
 */
import { ApolloGateway, type GatewayConfig } from '@apollo/gateway';
import type { ApolloServer, BaseContext } from '@apollo/server';
import { executorOf, type Plans } from './executor.ts';
import type { Graph } from './graph.ts';

type GatewayInterface = NonNullable<ConstructorParameters<typeof ApolloServer<BaseContext>>[0]['gateway']>;
type OnSchema = Parameters<GatewayInterface['onSchemaLoadOrUpdate']>[0];

export interface GatewayOptions<Context> {
  graph: Graph;
  plans: Plans<Context>;
  /** Of the gateway behind. */
  config: GatewayConfig & { supergraphSdl: string };
}

export function compiledGateway<Context>({ graph, plans, config }: GatewayOptions<Context>): GatewayInterface {
  const listeners: OnSchema[] = [];
  let behind: { gateway: ApolloGateway; loaded: ReturnType<ApolloGateway['load']> } | undefined;

  function load() {
    const gateway = new ApolloGateway(config);
    behind = { gateway, loaded: gateway.load() };
    return behind;
  }

  return {
    onSchemaLoadOrUpdate(listener) {
      listeners.push(listener);
      return () => {}; // the schema stays as it is
    },
    async load() {
      for (const tell of listeners) tell({ apiSchema: graph.schema, coreSupergraphSdl: config.supergraphSdl });
      const executor = executorOf(plans, async (request) => {
        const { executor } = await (behind ?? load()).loaded;
        return executor(request);
      });
      return { executor };
    },
    async stop() {
      await behind?.loaded.catch(() => {}); // whoever asked has been told
      await behind?.gateway.stop();
    },
  };
}
