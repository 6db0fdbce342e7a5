/** Arbitrary JSON from strangers: values of every type, below the names that a parser reads. */
import fc from 'fast-check'

/** Objects whose conversion to a primitive throws, as `{"toString":1}` from JSON does. */
const unprintable = fc
  .constantFrom('toString', 'valueOf', 'toJSON', 'length', 'includes')
  .map((name) => ({ [name]: 1 }))

/** Any JSON value, often one of `values`, often an object whose members have `names`. Parsed from its text, like theirs. */
export function foreignJson(
  names: readonly string[],
  values: readonly unknown[] = [],
): fc.Arbitrary<unknown> {
  const leaf = fc.oneof(
    ...(values.length > 0 ? [{ arbitrary: fc.constantFrom(...values), weight: 4 }] : []),
    { arbitrary: unprintable, weight: 2 },
    fc.jsonValue({ maxDepth: 1 }),
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      leaf,
      { arbitrary: fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 12 }), weight: 3 },
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  }))
  return value.map((made) => JSON.parse(JSON.stringify(made)))
}
