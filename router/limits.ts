/** All that a client's operation has to pass, whichever transport has brought it; the defaults are in platform/config.ts. */
import {
  type DocumentNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type ParseOptions,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';
import type { Config } from '#platform/config.ts';
import type { ErrorCode } from '#platform/errors.ts';
import { networkOf } from '#platform/network.ts';
import type { Context } from './context.ts';
import type { CostOf } from './cost.ts';
import { fragmentsIn } from './documents.ts';
import { createQuotas, noQuotas, type QuotaSettings } from './quotas.ts';
import { limitShape, type Shape } from './shape.ts';

export interface LimitSettings {
  /** Of a request or a message. */
  bodyBytes: number;
  /** Of a document. */
  tokens: number;
  shape: Shape;
  cost: number;
  /** Null: unlimited. */
  quotas: QuotaSettings | null;
}

export const limitSettings = [
  'RENTABOOK_LIMITS',
  'MAX_BODY_BYTES',
  'MAX_TOKENS',
  'MAX_DEPTH',
  'MAX_SELECTIONS',
  'MAX_ALIASES',
  'MAX_ROOT_FIELDS',
  'MAX_COST',
  'MAX_IN_FLIGHT',
  'MAX_SUBSCRIPTIONS',
  'RATES',
] as const;

export const limitsFrom = (config: Config<(typeof limitSettings)[number]>): LimitSettings => ({
  bodyBytes: config.MAX_BODY_BYTES,
  tokens: config.MAX_TOKENS,
  shape: {
    depth: config.MAX_DEPTH,
    selections: config.MAX_SELECTIONS,
    aliases: config.MAX_ALIASES,
    rootFields: config.MAX_ROOT_FIELDS,
  },
  cost: config.MAX_COST,
  quotas:
    config.RENTABOOK_LIMITS === 'off'
      ? null
      : { inFlight: config.MAX_IN_FLIGHT, subscriptions: config.MAX_SUBSCRIPTIONS, rates: config.RATES },
});

interface Cost {
  estimated: number;
  limit: number;
}

/** An operation that may be run. */
export interface Passed {
  cost: Cost;
  /** To be called when it has been answered, or is over. */
  leave(): void;
}

export interface Limits {
  bodyBytes: number;
  parsing: ParseOptions;
  rules: ValidationRule[];
  /** @throws GraphQLError COST_ESTIMATED_TOO_EXPENSIVE, REQUEST_CONCURRENCY_LIMITED, REQUEST_RATE_LIMITED */
  pass(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
    context: Context,
  ): Promise<Passed>;
  /** For what is passed on as it is. Answers what gives the place back. @throws GraphQLError REQUEST_CONCURRENCY_LIMITED */
  admit(client: string): Promise<() => void>;
}
type Variables = Readonly<Record<string, unknown>>;

export function createLimits(
  { bodyBytes, tokens, shape, cost: limit, quotas: settings }: LimitSettings,
  costOf: CostOf,
): Limits {
  const quotas = settings ? createQuotas(settings) : noQuotas;
  const rootFields = new WeakMap<OperationDefinitionNode, string[]>();

  return {
    bodyBytes,
    parsing: { maxTokens: tokens },
    rules: [limitShape(shape)],

    async pass(document, operation, variables, context) {
      const cost = { estimated: costOf(document, operation, variables), limit };
      if (cost.estimated > limit) throw tooExpensive(cost);
      const kind = operation.operation === 'subscription' ? 'subscriptions' : 'inFlight';
      const fields = rootFields.get(operation) ?? rootFieldsOf(document, operation);
      rootFields.set(operation, fields);
      return { cost, leave: await quotas.enter(callerOf(context), kind, fields) };
    },

    admit: (client) => quotas.enter(networkOf(client), 'inFlight', []),
  };
}

const tooExpensive = (cost: Cost) =>
  new GraphQLError(
    `The operation may cost ${cost.estimated}, and ${cost.limit} is the limit: ask for shorter lists, or for fewer of them at once.`,
    {
      extensions: { code: 'COST_ESTIMATED_TOO_EXPENSIVE' satisfies ErrorCode, cost },
    },
  );

/** Their names, one for each time that they are asked for. */
function rootFieldsOf(document: DocumentNode, { selectionSet }: OperationDefinitionNode): string[] {
  const fragments = fragmentsIn(document);
  const namesIn = ({ selections }: SelectionSetNode): string[] =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return selection.name.value.startsWith('__') ? [] : [selection.name.value];
      if (selection.kind === Kind.INLINE_FRAGMENT) return namesIn(selection.selectionSet);
      const spread = fragments.get(selection.name.value);
      return spread ? namesIn(spread.selectionSet) : [];
    });
  return namesIn(selectionSet);
}

/** Who asks: an account, however many addresses it has, or else an address, however many people are behind it. */
const callerOf = ({ viewer, client }: Context): string => viewer?.customerId ?? networkOf(client);
