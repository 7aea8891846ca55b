/** What a client may ask at once. */
import { GraphQLError, Kind, type SelectionSetNode, type ValidationRule } from 'graphql';

export const MAX_BODY_BYTES = 64 * 1024;

/** With fragments written out; the largest of our own pages selects about 200. */
const MAX_SELECTIONS = 5000;
/** GraphiQL's introspection goes 15 deep, our own pages 8; each list on the way multiplies what is read. */
const MAX_DEPTH = 20;

interface Extent {
  selections: number;
  depth: number;
}

/** Fragments that spread fragments make a small document large, and planning writes them all out; lists in lists read without end. */
export const limitSelections: ValidationRule = (context) => {
  const known = new Map<string, Extent>();

  const extentOf = ({ selections }: SelectionSetNode): Extent => {
    const total = { selections: 0, depth: 0 };
    for (const selection of selections) {
      const below =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? extentOfFragment(selection.name.value)
          : extentOf(selection.selectionSet ?? { kind: Kind.SELECTION_SET, selections: [] });
      const own = selection.kind === Kind.FIELD ? 1 : 0;
      total.selections += own + below.selections;
      total.depth = Math.max(total.depth, own + below.depth);
    }
    return total;
  };

  const extentOfFragment = (name: string): Extent => {
    const extent = known.get(name) ?? { selections: 0, depth: 0 };
    if (known.has(name)) return extent;
    known.set(name, extent); // a cycle ends here; another rule refuses it
    const fragment = context.getFragment(name);
    return fragment ? Object.assign(extent, extentOf(fragment.selectionSet)) : extent;
  };

  return {
    OperationDefinition(operation) {
      const { selections, depth } = extentOf(operation.selectionSet);
      const refuse = (message: string) => context.reportError(new GraphQLError(message, { nodes: operation }));
      if (selections > MAX_SELECTIONS) refuse(`The operation selects more than ${MAX_SELECTIONS} fields.`);
      if (depth > MAX_DEPTH) refuse(`The operation goes more than ${MAX_DEPTH} fields deep.`);
    },
  };
};
