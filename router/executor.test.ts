/** Compiled plans against the gateway's own executor: the same data and the same errors, whatever is asked. */
import { compareExecutors } from './executors.fixture.ts';

test.each(['shop', 'benchmark', 'library'] as const)('the same answers to 60 operations over "%s"', async (graph) => {
  const { compiled, errors } = await compareExecutors(graph, 60);
  expect(compiled).toBeGreaterThan(40); // otherwise one executor would be compared with itself
  expect(errors).toBeGreaterThan(5);
});
