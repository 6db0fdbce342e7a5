/** The part of the local chain's node that a page may call: reads of the current state, one at a time. */
import * as v from 'valibot'

/** The methods. All others can write, mine, impersonate or move the clock on a local node. */
export const READS = [
  'eth_blockNumber',
  'eth_call',
  'eth_chainId',
  'eth_getBalance',
  'eth_getBlockByNumber',
  'eth_getCode',
  'eth_getTransactionReceipt',
] as const

/** Trap: `eth_call` takes overrides of state as a third parameter. No reader needs one. */
const Read = v.object({
  jsonrpc: v.literal('2.0'),
  id: v.union([v.number(), v.string()]),
  method: v.picklist(READS),
  params: v.optional(v.pipe(v.array(v.unknown()), v.maxLength(2)), []),
})

/** Forwards a read to the node, and returns its answer. Null for anything else. */
export async function readChain(node: string, call: unknown): Promise<object | null> {
  const parsed = v.safeParse(Read, call)
  if (!parsed.success) return null
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(node, { method: 'POST', headers, body: JSON.stringify(parsed.output) })
  return (await response.json()) as object
}
