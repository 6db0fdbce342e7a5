/**
 * The shortest way to the node. While it answers in truth, calls skip the proxy that makes its faults, and the local runtime’s own proxy
 * for all that leaves it. Objects and the Worker share one isolate, so one way serves them all.
 */
import { env } from 'cloudflare:workers'
import type { LabBindings } from './bindings.ts'

const { LAB_NODE } = env as unknown as LabBindings

/** The URL of the node that goes the short way; none until the lab says so. */
let short: string | null = null
let calls = 0
/** Whether the clock has moved since the chain’s was set. */
let isLate = false

const send = globalThis.fetch

globalThis.fetch = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
  const url = input instanceof Request ? input.url : String(input)
  if (url !== short) return send(input, init)
  return shortly(input instanceof Request ? input : init)
}

async function shortly(call: Request | RequestInit | undefined): Promise<Response> {
  calls++
  await catchUpNode()
  return LAB_NODE.fetch('http://node/', call)
}

/** How many calls have gone the short way. */
export function shortCalls(): number {
  return calls
}

/**
 * The clock has moved. The chain follows at the next call of the short way: most alarms never call it. Calls by another way
 * find a chain that has followed already.
 * @throws if the chain refuses
 */
export async function moveNode(): Promise<void> {
  isLate = true
  if (short === null) await catchUpNode()
}

/** Sets a late chain’s clock to ours, by a block of that time. @throws if the chain refuses */
export async function catchUpNode(): Promise<void> {
  if (!isLate) return
  const calls = [
    { jsonrpc: '2.0', id: 1, method: 'evm_setTime', params: [Math.floor(Date.now() / 1000)] },
    { jsonrpc: '2.0', id: 2, method: 'evm_mine', params: [] },
  ]
  const headers = { 'content-type': 'application/json' }
  const answer = await LAB_NODE.fetch('http://node/', {
    method: 'POST',
    headers,
    body: JSON.stringify(calls),
  })
  for (const { error } of await answer.json<{ error?: { message: string } }[]>())
    if (error) throw new Error(`the chain’s clock: ${error.message}`)
  isLate = false
}

/** Opens the short way for the node at `url`; null closes it. */
export function shortenNode(url: string | null): void {
  short = url
}
