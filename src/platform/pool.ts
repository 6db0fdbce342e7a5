/** Bounded concurrency. */

const CONCURRENCY = 32

/**
 * Maps every item through `work`, at most `atOnce` at a time, and returns the values in order.
 *
 * If `work` rejects, `failed` supplies that item's value and the other items go on.
 * @throws only what `failed` throws
 */
export async function mapConcurrently<Item, Value>(
  items: readonly Item[],
  work: (item: Item) => Promise<Value>,
  failed: (item: Item, fault: unknown) => Value,
  atOnce = CONCURRENCY,
): Promise<Value[]> {
  const values: Value[] = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const at = next++
      const item = items[at] as Item
      try {
        values[at] = await work(item)
      } catch (fault) {
        values[at] = failed(item, fault)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  return values
}
