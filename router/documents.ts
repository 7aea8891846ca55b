/** Clients' documents, read and checked once: the same text gives the same document, by which plans are kept. */
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type ParseOptions,
  parse,
  SingleFieldSubscriptionsRule,
  specifiedRules,
  type ValidationRule,
  validate,
} from 'graphql';
import { Kept } from '#platform/kept.ts';

const KEPT = 1000;
/** A text that is longer holds a memory for its comments: our own have 2,000 characters at most. */
export const LONGEST_KEPT = 10_000;

/** The document, or what is wrong with it. */
export type ReadDocument = (query: string) => DocumentNode | GraphQLError[];

export interface DocumentOptions {
  introspection: boolean;
  parsing: ParseOptions;
  rules: ValidationRule[];
}

/** More of them help nobody, and each is made for whoever sends rubbish. */
export const MAX_MISTAKES = { maxErrors: 5 };

export function createDocuments(schema: GraphQLSchema, options: DocumentOptions): ReadDocument {
  const rules: ValidationRule[] = [
    ...specifiedRules.filter((rule) => rule !== SingleFieldSubscriptionsRule), // the engine has a stricter one, which never throws
    ...options.rules,
    ...(options.introspection ? [] : [NoSchemaIntrospectionCustomRule]),
  ];
  const documents = new Kept<string, DocumentNode>(KEPT);

  return (query) => {
    const document = documents.get(query) ?? check(query);
    if (!Array.isArray(document) && query.length <= LONGEST_KEPT) documents.set(query, document);
    return document;
  };

  function check(query: string): DocumentNode | GraphQLError[] {
    try {
      const document = parse(query, options.parsing);
      const mistakes = validate(schema, document, rules, MAX_MISTAKES);
      return mistakes.length ? mistakes.map((mistake) => withCode(mistake, 'GRAPHQL_VALIDATION_FAILED')) : document;
    } catch (error) {
      if (error instanceof GraphQLError) return [withCode(error, 'GRAPHQL_PARSE_FAILED')];
      if (error instanceof RangeError)
        // the parser goes down by recursion, and the stack ends first
        return [withCode(new GraphQLError('The document is nested too deeply.'), 'GRAPHQL_PARSE_FAILED')];
      throw error;
    }
  }
}

/** Apollo's codes, which the same mistakes have over HTTP. */
function withCode(error: GraphQLError, code: string): GraphQLError {
  error.extensions.code ??= code;
  return error;
}

export const fragmentsIn = ({ definitions }: DocumentNode): Map<string, FragmentDefinitionNode> =>
  new Map(
    definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
    ),
  );
