/** How large a document may be, whatever it asks for: judged by its text alone, before anything is planned or run. */
import { type ASTVisitor, GraphQLError, Kind, type SelectionSetNode, type ValidationRule } from 'graphql';
import type { ErrorCode } from '#platform/errors.ts';

/** Of one operation, with its fragments written out. */
export interface Shape {
  /** From the root down to the deepest field. */
  depth: number;
  selections: number;
  aliases: number;
  rootFields: number;
}

const refusals: { [L in keyof Shape]: { code: ErrorCode; says: (most: number) => string } } = {
  depth: { code: 'MAX_DEPTH_LIMIT', says: (most) => `The operation goes more than ${most} fields deep.` },
  selections: { code: 'MAX_HEIGHT_LIMIT', says: (most) => `The operation selects more than ${most} fields.` },
  aliases: { code: 'MAX_ALIASES_LIMIT', says: (most) => `The operation has more than ${most} aliases.` },
  rootFields: { code: 'MAX_ROOT_FIELDS_LIMIT', says: (most) => `The operation has more than ${most} root fields.` },
};

/** Fragments that spread fragments make a small document large, and planning writes them all out. */
export const limitShape =
  (limits: Shape): ValidationRule =>
  (context): ASTVisitor => {
    const known = new Map<string, Shape>();

    const shapeOf = ({ selections }: SelectionSetNode): Shape => {
      const total = nothing();
      for (const selection of selections) {
        if (selection.kind === Kind.FRAGMENT_SPREAD) add(total, shapeOfFragment(selection.name.value), 0);
        else if (selection.kind === Kind.INLINE_FRAGMENT) add(total, shapeOf(selection.selectionSet), 0);
        else {
          add(total, selection.selectionSet ? { ...shapeOf(selection.selectionSet), rootFields: 0 } : nothing(), 1);
          total.rootFields += 1;
          if (selection.alias) total.aliases += 1;
        }
      }
      return total;
    };

    const shapeOfFragment = (name: string): Shape => {
      const shape = known.get(name) ?? nothing();
      if (known.has(name)) return shape;
      known.set(name, shape); // a cycle ends here; another rule refuses it
      const fragment = context.getFragment(name);
      return fragment ? Object.assign(shape, shapeOf(fragment.selectionSet)) : shape;
    };

    return {
      OperationDefinition(operation) {
        const shape = shapeOf(operation.selectionSet);
        for (const limit of Object.keys(limits) as (keyof Shape)[])
          if (shape[limit] > limits[limit]) context.reportError(refusal(limit, limits[limit]));
      },
    };
  };

const nothing = (): Shape => ({ depth: 0, selections: 0, aliases: 0, rootFields: 0 });

/** What stands below `levels` fields more, beside the others. */
function add(total: Shape, below: Shape, levels: 0 | 1): void {
  total.depth = Math.max(total.depth, levels + below.depth);
  total.selections += levels + below.selections;
  total.aliases += below.aliases;
  total.rootFields += below.rootFields;
}

const refusal = (limit: keyof Shape, most: number): GraphQLError =>
  new GraphQLError(refusals[limit].says(most), { extensions: { code: refusals[limit].code } });
