/** Bounded concurrency: many items, some at a time. */

const WIDTH = 32

/** Works on every item, some at a time. An item that fails is answered by `failed`: it stops no other. */
export async function each<Item, Value>(
  items: Item[],
  work: (item: Item) => Promise<Value>,
  failed: (item: Item, fault: unknown) => Value,
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
  await Promise.all(Array.from({ length: Math.min(WIDTH, items.length) }, worker))
  return values
}
