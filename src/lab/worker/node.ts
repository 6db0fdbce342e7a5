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

const send = globalThis.fetch

globalThis.fetch = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
  const url = input instanceof Request ? input.url : String(input)
  if (url !== short) return send(input, init)
  calls++
  return LAB_NODE.fetch('http://node/', input instanceof Request ? input : init)
}

/** How many calls have gone the short way. */
export function shortCalls(): number {
  return calls
}

/** Sets the chain’s clock to Unix milliseconds, by a block of that time. @throws if the chain refuses */
export async function setNodeTime(ms: number): Promise<void> {
  const calls = [
    { jsonrpc: '2.0', id: 1, method: 'evm_setTime', params: [Math.floor(ms / 1000)] },
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
}

/** Opens the short way for the node at `url`; null closes it. */
export function shortenNode(url: string | null): void {
  short = url
}
