/** Counts the ledger calls and rows of one paid request, while the Worker serves. */

import * as v from 'valibot'
import { CRAWLER } from './ask.ts'
import { newCrawler, signer } from './commitments.ts'
import { CREDIT, commitmentOf, enrol, HOST, worldOf } from './credit.ts'
import { type BenchWorker, startWorker, type World } from './runtime.ts'
import type { Stage } from './stage.ts'

const Counted = v.object({
  calls: v.record(v.string(), v.number()),
  rowsRead: v.number(),
  rowsWritten: v.number(),
  bytes: v.number(),
})

/** Per paid request, sent one after the other. Concurrent requests cost less, since they share a commit. */
export type Counts = {
  ledgerCalls: number
  rowsWritten: number
  rowsRead: number
  rowsWrittenAtOnce: number
  /** Bytes that the object keeps of one request. */
  bytesKept: number
  /** Time of one request. */
  milliseconds: number
}

/** `directoryFetches`: all fetches after the first request. */
export type CreditCounts = Counts & { directoryFetches: number }

/** SQLite grows by pages of 4 kB: fewer requests would measure those. */
const REQUESTS = 64

/** `payments`: headers with the channel's first vouchers. */
export async function count(stage: Stage, path: string, payments: string[]): Promise<Counts> {
  const worker = await startCounted(stage)
  try {
    return await countPaid(new URL(path, worker.url), (request) => ({
      'payment-signature': payments[request] ?? '',
    }))
  } finally {
    await worker.stop()
  }
}

/** The same on credit, for a registered agent whose key was fetched. */
export async function countCredit(stage: Stage, path: string): Promise<CreditCounts> {
  const crawler = newCrawler(HOST)
  const world = worldOf(crawler)
  const worker = await startCounted(stage, world.answer)
  try {
    await enrol(worker)
    const url = new URL(path, worker.url)
    const sign = signer(await commitmentOf(crawler, worker), url)
    const counts = await countPaid(url, sign)
    // The first request fetched the key.
    return { ...counts, directoryFetches: world.asked - 1 }
  } finally {
    await worker.stop()
  }
}

function startCounted({ vars }: Stage, world?: World): Promise<BenchWorker> {
  const options = { main: 'bench/workers/counted.ts', vars: { ...vars, ...CREDIT, ORIGIN: 'self' } }
  return startWorker({ ...options, ...(world && { world }) })
}

/** `headersOf` returns the payment headers of a request by its number. */
async function countPaid(url: URL, headersOf: (request: number) => Record<string, string>): Promise<Counts> {
  const pay = async (request: number) => {
    const { status } = await fetch(url, { headers: { ...CRAWLER, ...headersOf(request) } })
    if (status !== 200) throw new Error(`a counted payment failed with ${status}`)
  }
  const counted = async () => v.parse(Counted, await (await fetch(new URL('/counts', url))).json())
  await pay(0)
  const before = await counted()
  const start = performance.now()
  for (let request = 1; request <= REQUESTS; request++) await pay(request)
  const milliseconds = (performance.now() - start) / REQUESTS
  const { calls, rowsRead, rowsWritten } = await counted()
  await Promise.all(Array.from({ length: REQUESTS }, (_, at) => pay(1 + REQUESTS + at)))
  const atOnce = await counted()
  const each = (sum: number) => sum / REQUESTS
  return {
    ledgerCalls: each(Object.values(calls).reduce((sum, count) => sum + count, 0)),
    rowsWritten: each(rowsWritten),
    rowsRead: each(rowsRead),
    rowsWrittenAtOnce: each(atOnce.rowsWritten),
    bytesKept: each(atOnce.bytes - before.bytes) / 2,
    milliseconds,
  }
}
