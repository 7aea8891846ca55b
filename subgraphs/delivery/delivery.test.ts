import { type DeliveryStatus, deliveryStatuses, dutyOf, isFinal, labelOf, milestonesOf } from './delivery.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
const scanOf = (status: DeliveryStatus, minute = 10) => ({ status, occurredAt: at(minute) });
const parcel = (status: DeliveryStatus, lastAppliedAt: Date | null = at(5)) => ({ status, lastAppliedAt });

test('a parcel goes from the label to the door, one scan at a time', () => {
  const way: DeliveryStatus[] = ['PENDING', 'CREATED', 'PICKED_UP', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERED'];
  for (const [index, status] of way.slice(0, -1).entries()) {
    const next = way[index + 1] ?? status;
    expect(milestonesOf(parcel(status), scanOf(next))).toEqual([next]);
  }
});

test('a scan implies the milestones it skipped, in their order', () => {
  expect(milestonesOf(parcel('CREATED'), scanOf('DELIVERED'))).toEqual([
    'PICKED_UP',
    'IN_TRANSIT',
    'OUT_FOR_DELIVERY',
    'DELIVERED',
  ]);
  expect(milestonesOf(parcel('FAILED'), scanOf('DELIVERED'))).toEqual(['OUT_FOR_DELIVERY', 'DELIVERED']);
  expect(milestonesOf(parcel('OUT_FOR_DELIVERY'), scanOf('RETURNED_TO_SENDER'))).toEqual([
    'FAILED',
    'RETURNED_TO_SENDER',
  ]);
  expect(milestonesOf(parcel('CREATED'), scanOf('LOST'))).toEqual(['PICKED_UP', 'LOST']);
});

test('a parcel can be stopped anywhere on its way, without anything skipped', () => {
  const onItsWay = deliveryStatuses.filter((status) => !isFinal(status));
  for (const status of onItsWay) expect(milestonesOf(parcel(status), scanOf('STOPPED'))).toEqual(['STOPPED']);
});

test('a failed attempt may be made again', () => {
  expect(milestonesOf(parcel('FAILED'), scanOf('OUT_FOR_DELIVERY'))).toEqual(['OUT_FOR_DELIVERY']);
});

test('nothing revives a parcel that has come to its end', () => {
  for (const end of deliveryStatuses.filter(isFinal))
    for (const status of deliveryStatuses) expect(milestonesOf(parcel(end), scanOf(status))).toBeNull();
});

test('no scan leads back, or to where the parcel is already', () => {
  expect(milestonesOf(parcel('OUT_FOR_DELIVERY'), scanOf('IN_TRANSIT'))).toBeNull();
  expect(milestonesOf(parcel('PICKED_UP'), scanOf('CREATED'))).toBeNull();
  for (const status of deliveryStatuses) expect(milestonesOf(parcel(status), scanOf(status))).toBeNull();
});

test('a scan older than the last applied is only kept; one of the same instant counts', () => {
  expect(milestonesOf(parcel('PICKED_UP', at(5)), scanOf('IN_TRANSIT', 4))).toBeNull();
  expect(milestonesOf(parcel('PICKED_UP', at(5)), scanOf('IN_TRANSIT', 5))).toEqual(['IN_TRANSIT']);
});

test("the first scan CREATED confirms the carrier's answer and moves nothing", () => {
  expect(milestonesOf(parcel('CREATED', null), scanOf('CREATED'))).toEqual([]);
});

const atCarrier = { carrierAsked: true, trackingNumber: 'T1', stop: null };
const unasked = { carrierAsked: false, trackingNumber: null, stop: null };

test('a pending parcel is to be made, one at the carrier is followed, one at its end is left alone', () => {
  expect(dutyOf({ status: 'PENDING', ...unasked })).toBe('MAKE');
  expect(dutyOf({ status: 'IN_TRANSIT', ...atCarrier })).toBe('TRACK');
  for (const status of deliveryStatuses.filter(isFinal)) expect(dutyOf({ status, ...atCarrier })).toBeNull();
});

test('what may exist at the carrier is made known first and then stopped', () => {
  expect(dutyOf({ status: 'PENDING', carrierAsked: true, trackingNumber: null, stop: 'WANTED' })).toBe('MAKE');
  expect(dutyOf({ status: 'CREATED', ...atCarrier, stop: 'WANTED' })).toBe('STOP');
});

test('the carrier is asked to stop until it has answered, then the parcel is followed', () => {
  expect(dutyOf({ status: 'PICKED_UP', ...atCarrier, stop: 'ACCEPTED' })).toBe('TRACK');
  expect(dutyOf({ status: 'PICKED_UP', ...atCarrier, stop: 'TOO_LATE' })).toBe('TRACK');
});

test('a parcel that was moved by hand without a carrier has nothing due there', () => {
  expect(dutyOf({ status: 'PICKED_UP', ...unasked })).toBeNull();
});

test('the shop sends the books and receives them back', () => {
  expect(labelOf('OUTBOUND', 'A Reader')).toEqual({ sender: 'Rentabook', recipient: 'A Reader' });
  expect(labelOf('RETURN', 'A Reader')).toEqual({ sender: 'A Reader', recipient: 'Rentabook' });
});
