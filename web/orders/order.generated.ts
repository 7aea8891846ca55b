// Written by `npm run codegen`.
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
export type DeliveryStatus =
  | 'PENDING'
  | 'CREATED'
  | 'PICKED_UP'
  | 'IN_TRANSIT'
  | 'OUT_FOR_DELIVERY'
  | 'DELIVERED'
  | 'FAILED'
  | 'STOPPED'
  | 'RETURNED_TO_SENDER'
  | 'LOST';

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

export type OneOrderQueryVariables = Exact<{
  rentalId: string | number;
}>;


export type OneOrderQuery = { order: { id: string, bookId: string, bookTitle: string | null, quantity: number, status: RentalStatus, statusSince: string, deliveryStatus: DeliveryStatus | null, trackingUrl: string | null, requestedAt: string, dueAt: string | null, timeline: Array<{ cursor: string, type: string, status: RentalStatus, deliveryStatus: DeliveryStatus | null, occurredAt: string }> } | null };


export const OneOrderDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"OneOrder"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"rentalId"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"order"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"rentalId"},"value":{"kind":"Variable","name":{"kind":"Name","value":"rentalId"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"bookId"}},{"kind":"Field","name":{"kind":"Name","value":"bookTitle"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"statusSince"}},{"kind":"Field","name":{"kind":"Name","value":"deliveryStatus"}},{"kind":"Field","name":{"kind":"Name","value":"trackingUrl"}},{"kind":"Field","name":{"kind":"Name","value":"requestedAt"}},{"kind":"Field","name":{"kind":"Name","value":"dueAt"}},{"kind":"Field","name":{"kind":"Name","value":"timeline"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"type"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"deliveryStatus"}},{"kind":"Field","name":{"kind":"Name","value":"occurredAt"}}]}}]}}]}}]} as unknown as DocumentNode<OneOrderQuery, OneOrderQueryVariables>;