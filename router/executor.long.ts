import { compareExecutors } from './executors.fixture.ts';

test.each(['shop', 'benchmark', 'library'] as const)(
  'the same answers to 1,500 operations over "%s"',
  async (graph) => {
    const { compiled, errors } = await compareExecutors(graph, 1500);
    expect(compiled).toBeGreaterThan(1000);
    expect(errors).toBeGreaterThan(100);
  },
  300_000,
);
