import { returnIsBooked, withParcels } from './entries.ts';

const entries = (...types: string[]) => types.map((type) => ({ type }));

test('scans are of the parcel that goes out, until another one is made', () => {
  const timeline = entries(
    'rental.accepted',
    'delivery.created',
    'delivery.delivered',
    'delivery.created',
    'delivery.picked_up',
    'delivery.created',
  );

  const directions = withParcels(timeline).map(({ direction }) => direction);

  expect(directions).toEqual([null, 'OUTBOUND', 'OUTBOUND', 'RETURN', 'RETURN', 'RETURN']);
});

test('a parcel that was stopped before it was made went out to nobody', () => {
  expect(withParcels(entries('rental.cancelled', 'delivery.stopped'))[1]).toMatchObject({ direction: 'OUTBOUND' });
});

test('a return is booked until it is stopped', () => {
  expect(returnIsBooked(entries('rental.loan_started'))).toBe(false);
  expect(returnIsBooked(entries('rental.loan_started', 'rental.return_requested'))).toBe(true);
  expect(returnIsBooked(entries('rental.return_requested', 'rental.loan_resumed'))).toBe(false);
  expect(returnIsBooked(entries('rental.return_requested', 'rental.loan_resumed', 'rental.return_requested'))).toBe(
    true,
  );
});
