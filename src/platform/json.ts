/** JSON with bigints: the one codec. An amount is a decimal string in text. */

/** Writes a value as JSON, its bigints as decimal strings. @throws for what JSON cannot hold, such as a circle */
export function writeJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? part.toString() : part))
}

/** Reads what {@link writeJson} wrote: strings under the keys of `amounts` become bigints. @throws for malformed JSON */
export function readJson<Value>(text: string, amounts: ReadonlySet<string>): Value {
  return JSON.parse(text, (key, part) =>
    typeof part === 'string' && amounts.has(key) ? BigInt(part) : part,
  ) as Value
}
