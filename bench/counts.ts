/** What one paid request asks of the ledger: calls and rows, counted while the Worker serves. */

import * as v from 'valibot'
import { startWorker } from './runtime.ts'
import type { Stage } from './stage.ts'

const Counted = v.object({
  calls: v.record(v.string(), v.number()),
  rowsRead: v.number(),
  rowsWritten: v.number(),
})

/** Per paid request, one after the other: the dearest case, since requests at once share a commit. */
export type Counts = {
  ledgerCalls: number
  rowsWritten: number
  rowsRead: number
  rowsWrittenAtOnce: number
  /** From asking to the answer. */
  milliseconds: number
}

const REQUESTS = 64

/** `payments`: headers over the channel's first vouchers. */
export async function count({ vars }: Stage, path: string, payments: string[]): Promise<Counts> {
  const worker = await startWorker({ main: 'bench/workers/counted.ts', vars: { ...vars, ORIGIN: 'self' } })
  const pay = async (payment: string | undefined) => {
    const headers = { 'user-agent': 'GPTBot/1.2', 'payment-signature': payment ?? '' }
    const { status } = await fetch(new URL(path, worker.url), { headers })
    if (status !== 200) throw new Error(`a counted payment was answered ${status}`)
  }
  const counted = async () => v.parse(Counted, await (await fetch(new URL('/counts', worker.url))).json())
  try {
    const [first, ...rest] = payments
    await pay(first)
    await counted()
    const start = performance.now()
    for (const payment of rest.slice(0, REQUESTS)) await pay(payment)
    const milliseconds = (performance.now() - start) / REQUESTS
    const { calls, rowsRead, rowsWritten } = await counted()
    await Promise.all(rest.slice(REQUESTS, 2 * REQUESTS).map(pay))
    const atOnce = await counted()
    const each = (sum: number) => sum / REQUESTS
    return {
      ledgerCalls: each(Object.values(calls).reduce((sum, count) => sum + count, 0)),
      rowsWritten: each(rowsWritten),
      rowsRead: each(rowsRead),
      rowsWrittenAtOnce: each(atOnce.rowsWritten),
      milliseconds,
    }
  } finally {
    await worker.stop()
  }
}
