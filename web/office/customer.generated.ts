// Written by `npm run codegen`.
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
export type RentalStatus =
  /** Received and durable; stock and payment are being settled. */
  | 'REQUESTED'
  /** 보류: received and durable, waiting because the service is overloaded or a dependency is down. */
  | 'ON_HOLD'
  /** Stock reserved and payment authorised. */
  | 'ACCEPTED'
  /** Refused; see `rejection`. Final. */
  | 'REJECTED'
  /** The parcel is with the carrier. */
  | 'SHIPPING'
  /** Delivered; the loan clock runs. */
  | 'ON_LOAN'
  /** Past `dueAt` plus the grace period. */
  | 'OVERDUE'
  /** The return parcel is with the carrier. */
  | 'RETURNING'
  /** The copies are back, awaiting inspection. */
  | 'RETURNED'
  /** Inspected, fees raised. Final. */
  | 'CLOSED'
  /** Cancelled by customer or staff. Final; see `pendingCompensations`. */
  | 'CANCELLED'
  /** Never came back, or lost by the carrier. Final. */
  | 'LOST';

export type Role =
  | 'CUSTOMER'
  | 'STAFF'
  | 'COURIER'
  | 'ADMIN';

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

export type OfficeCustomerQueryVariables = Exact<{
  id: string | number;
}>;


export type OfficeCustomerQuery = { customer: { id: string, name: string | null, email: string | null, roles: Array<Role> | null, blocked: boolean | null } | null };

export type OfficeOrdersOfCustomerQueryVariables = Exact<{
  id: string | number;
  first: number;
  after?: string | null | undefined;
}>;


export type OfficeOrdersOfCustomerQuery = { customer: { id: string, orders: { edges: Array<{ node: { id: string, bookTitle: string | null, quantity: number, status: RentalStatus, requestedAt: string, dueAt: string | null } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } | null } | null };

export type OfficeSetRolesMutationVariables = Exact<{
  customerId: string | number;
  roles: Array<Role>;
}>;


export type OfficeSetRolesMutation = { setRoles: { customer: { id: string, roles: Array<Role> | null } | null, userErrors: Array<{ code: UserErrorCode, message: string, path: Array<string> | null, reason: UserErrorReason | null }> } };


export const OfficeCustomerDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"OfficeCustomer"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"customer"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"email"}},{"kind":"Field","name":{"kind":"Name","value":"roles"}},{"kind":"Field","name":{"kind":"Name","value":"blocked"}}]}}]}}]} as unknown as DocumentNode<OfficeCustomerQuery, OfficeCustomerQueryVariables>;
export const OfficeOrdersOfCustomerDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"OfficeOrdersOfCustomer"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"customer"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"orders"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"edges"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"bookTitle"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"requestedAt"}},{"kind":"Field","name":{"kind":"Name","value":"dueAt"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}}]}}]} as unknown as DocumentNode<OfficeOrdersOfCustomerQuery, OfficeOrdersOfCustomerQueryVariables>;
export const OfficeSetRolesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"OfficeSetRoles"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"customerId"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"roles"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"Role"}}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"setRoles"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"customerId"},"value":{"kind":"Variable","name":{"kind":"Name","value":"customerId"}}},{"kind":"Argument","name":{"kind":"Name","value":"roles"},"value":{"kind":"Variable","name":{"kind":"Name","value":"roles"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"customer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"roles"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"path"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}}]}}]}}]}}]} as unknown as DocumentNode<OfficeSetRolesMutation, OfficeSetRolesMutationVariables>;