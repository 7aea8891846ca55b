// Written by `npm run codegen`.
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** What became of the copy that a DAMAGE or LOST fee is for: the first three as it was inspected, MISSING where it was not in the parcel. */
export type FeeCause =
  | 'DAMAGED'
  | 'UNUSABLE'
  | 'MISSING'
  | 'REPORTED_LOST'
  | 'NEVER_RETURNED';

/** RENTAL: the rental's own price, where the capture was refused after the authorisation had expired. */
export type FeeKind =
  | 'LATE'
  | 'DAMAGE'
  | 'LOST'
  | 'RENTAL';

/** PENDING: the provider is asked. WAIVED: by staff, or because it is not owed after all. REFUNDED: it was paid and is not owed after all. */
export type FeeStatus =
  | 'OUTSTANDING'
  | 'PENDING'
  | 'PAID'
  | 'WAIVED'
  | 'REFUNDED';

export type MyUnpaidFeesQueryVariables = Exact<{ [key: string]: never; }>;


export type MyUnpaidFeesQuery = { me: { id: string, unpaidFees: Array<{ id: string, kind: FeeKind, status: FeeStatus, explanation: string, copies: number | null, daysLate: number | null, cause: FeeCause | null, amount: { amount: number, currency: string }, rental: { id: string, book: { id: string, title: string } | null } | null }> | null } | null };


export const MyUnpaidFeesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"MyUnpaidFees"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"me"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"unpaidFees"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"kind"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"amount"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"explanation"}},{"kind":"Field","name":{"kind":"Name","value":"copies"}},{"kind":"Field","name":{"kind":"Name","value":"daysLate"}},{"kind":"Field","name":{"kind":"Name","value":"cause"}},{"kind":"Field","name":{"kind":"Name","value":"rental"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"book"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}}]}}]}}]}}]}}]}}]} as unknown as DocumentNode<MyUnpaidFeesQuery, MyUnpaidFeesQueryVariables>;