/** What a client may ask at once. */
import { GraphQLError, Kind, type SelectionSetNode, type ValidationRule } from 'graphql';

export const MAX_BODY_BYTES = 64 * 1024;

/** With fragments written out; the largest of our own pages selects about 200. */
const MAX_SELECTIONS = 5000;

/** Fragments that spread fragments make a small document large, and planning writes them all out. */
export const limitSelections: ValidationRule = (context) => {
  const sizes = new Map<string, number>();

  const sizeOf = ({ selections }: SelectionSetNode): number =>
    selections.reduce((sum, selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return sum + sizeOfFragment(selection.name.value);
      return sum + 1 + (selection.selectionSet ? sizeOf(selection.selectionSet) : 0);
    }, 0);

  const sizeOfFragment = (name: string): number => {
    const known = sizes.get(name);
    if (known !== undefined) return known;
    sizes.set(name, 0); // a cycle ends here; another rule refuses it
    const fragment = context.getFragment(name);
    const size = fragment ? sizeOf(fragment.selectionSet) : 0;
    sizes.set(name, size);
    return size;
  };

  return {
    OperationDefinition(operation) {
      if (sizeOf(operation.selectionSet) <= MAX_SELECTIONS) return;
      context.reportError(
        new GraphQLError(`The operation selects more than ${MAX_SELECTIONS} fields.`, { nodes: operation }),
      );
    },
  };
};
