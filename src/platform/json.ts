/** JSON with bigints: the only codec. Amounts are decimal strings in the text. */

/**
 * Writes a value as JSON, its bigints as decimal strings.
 * @throws TypeError for a value that JSON cannot hold, such as a circular one
 */
export function writeJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? part.toString() : part))
}

/**
 * Reads the output of {@link writeJson}. Strings under the keys in `amounts` become bigints. The shape is not
 * checked.
 * @throws SyntaxError for malformed JSON, or for an amount that is not an integer
 */
export function readJson<Value>(text: string, amounts: ReadonlySet<string>): Value {
  return JSON.parse(text, (key, part) =>
    typeof part === 'string' && amounts.has(key) ? BigInt(part) : part,
  ) as Value
}

/** Whether a value is nested more than so many levels deep. Reads layer by layer: what recurses over it would end the call. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  let layer = [value]
  for (let level = 0; level <= levels && layer.length > 0; level++)
    layer = layer.flatMap((one): unknown[] =>
      typeof one === 'object' && one !== null ? Object.values(one) : [],
    )
  return layer.length > 0
}
