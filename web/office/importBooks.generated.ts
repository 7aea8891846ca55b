// Written by `npm run codegen`.
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { ImportOutcome } from '../client/enums.generated.ts';
import type { UserErrorCode } from '../client/enums.generated.ts';
import type { UserErrorReason } from '../client/enums.generated.ts';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
export type ImportBooksInput = {
  rows: Array<ImportRowInput>;
};

/** The columns of the file, each as it is written there; one that is left out is empty. */
export type ImportRowInput = {
  /** Of the file; the result has it again. */
  line: number;
  /** The file's `book_id`, a rank by popularity, which says how many copies there will be, and for what fee. */
  bookId: string;
  isbn?: string | null | undefined;
  /** Separated by a comma and a space. */
  authors?: string | null | undefined;
  originalPublicationYear?: string | null | undefined;
  title: string;
  languageCode?: string | null | undefined;
  ratingsCount?: string | null | undefined;
};

export type ImportBooksMutationVariables = Exact<{
  input: ImportBooksInput;
}>;


export type ImportBooksMutation = { importBooks: { results: Array<{ line: number, outcome: ImportOutcome, remarks: Array<string> }>, userErrors: Array<{ code: UserErrorCode, message: string, path: Array<string> | null, reason: UserErrorReason | null }> } };


export const ImportBooksDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ImportBooks"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ImportBooksInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"importBooks"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"results"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"line"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"remarks"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"path"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}}]}}]}}]}}]} as unknown as DocumentNode<ImportBooksMutation, ImportBooksMutationVariables>;