import { deliveryStatuses, milestonesOf } from '../../subgraphs/delivery/delivery.ts';
import { nextScansOf } from './parcelLife.ts';

const occurredAt = new Date('2026-11-02T00:00:00Z');
const lastAppliedAt = new Date('2026-11-01T00:00:00Z');

test.each(deliveryStatuses)(
  'what is offered of a parcel that is %s is what the server applies as one step',
  (status) => {
    const steps = deliveryStatuses.filter(
      (scan) => milestonesOf({ status, lastAppliedAt }, { status: scan, occurredAt })?.join() === scan,
    );

    expect(nextScansOf[status].toSorted()).toEqual(steps.toSorted());
  },
);
