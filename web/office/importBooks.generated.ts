// Written by `npm run codegen`.
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
export type ImportBooksInput = {
  rows: Array<ImportRowInput>;
};

export type ImportOutcome =
  | 'IMPORTED'
  | 'UPDATED'
  | 'UNCHANGED'
  | 'LEFT_OUT';

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

export type UserErrorCode =
  | 'NOT_FOUND'
  | 'INVALID_INPUT'
  | 'NOT_ALLOWED_IN_STATE'
  | 'VERSION_CONFLICT'
  | 'IDEMPOTENCY_CONFLICT'
  | 'DUPLICATE'
  | 'WOULD_BE_NEGATIVE'
  | 'POLICY_DENIED'
  | 'PAYMENT_DECLINED'
  | 'INVALID_CREDENTIALS'
  | 'TOO_MANY_ATTEMPTS';

/** More will come: what a client does not know it tells by the code. */
export type UserErrorReason =
  | 'RENEWED_TOO_OFTEN'
  | 'OTHERS_WAIT'
  | 'PAST_DUE'
  | 'OUT_FOR_DELIVERY'
  | 'UNDER_REPAIR'
  | 'NO_LONGER_LENT'
  | 'COPIES_AVAILABLE'
  | 'ACCOUNT_CLOSED'
  | 'ACCOUNT_ELSEWHERE'
  | 'RENTAL_OPEN'
  | 'FEE_UNPAID'
  | 'NAMED_FOR_ADMINISTRATION'
  | 'TOO_MANY_ADDRESSES';

export type ImportBooksMutationVariables = Exact<{
  input: ImportBooksInput;
}>;


export type ImportBooksMutation = { importBooks: { results: Array<{ line: number, outcome: ImportOutcome, remarks: Array<string> }>, userErrors: Array<{ code: UserErrorCode, message: string, path: Array<string> | null, reason: UserErrorReason | null }> } };


export const ImportBooksDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ImportBooks"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ImportBooksInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"importBooks"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"results"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"line"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"remarks"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"path"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}}]}}]}}]}}]} as unknown as DocumentNode<ImportBooksMutation, ImportBooksMutationVariables>;