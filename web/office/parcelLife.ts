/** The scans that the table of a parcel's life allows next, the usual one first (docs/story.md, "The parcel"); the server decides. */
import type { DeliveryStatus } from '../client/enums.generated.ts';

export const nextScansOf: Record<DeliveryStatus, readonly DeliveryStatus[]> = {
  PENDING: ['CREATED', 'STOPPED'],
  CREATED: ['PICKED_UP', 'STOPPED'],
  PICKED_UP: ['IN_TRANSIT', 'STOPPED', 'LOST'],
  IN_TRANSIT: ['OUT_FOR_DELIVERY', 'STOPPED', 'LOST'],
  OUT_FOR_DELIVERY: ['DELIVERED', 'FAILED', 'STOPPED', 'LOST'],
  FAILED: ['OUT_FOR_DELIVERY', 'RETURNED_TO_SENDER', 'STOPPED', 'LOST'],
  DELIVERED: [],
  STOPPED: [],
  RETURNED_TO_SENDER: [],
  LOST: [],
};
