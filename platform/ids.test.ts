import { idOf, isId } from './ids.ts';

test('an id that is made of a name is that of RFC 9562, A.4, and an id like any other', () => {
  const id = idOf('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com');

  expect(id).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  expect(isId(id)).toBe(true);
});
