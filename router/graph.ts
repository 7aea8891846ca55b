/** The supergraph, as Apollo's planner and graphql-js have it: read once, since reading it takes time and memory. */
import { type Schema, Supergraph } from '@apollo/federation-internals';
import { QueryPlanner } from '@apollo/query-planner';
import type { GraphQLSchema } from 'graphql';

export interface Graph {
  planner: QueryPlanner;
  /** What clients see, for the planner; and for graphql-js, to validate their documents against. */
  api: Schema;
  schema: GraphQLSchema;
  /** With all that they do not see. */
  supergraph: GraphQLSchema;
}

export function readGraph(supergraphSdl: string): Graph {
  const supergraph = Supergraph.build(supergraphSdl);
  const api = supergraph.apiSchema();
  return {
    planner: new QueryPlanner(supergraph),
    api,
    schema: api.toGraphQLJSSchema(),
    supergraph: supergraph.schema.toGraphQLJSSchema(),
  };
}
