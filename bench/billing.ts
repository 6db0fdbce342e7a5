/** Measures one run that issues statements and invoices for all credit lines: time and rows, at two sizes. */
import { generateKeyPairSync } from 'node:crypto'
import * as v from 'valibot'
import { startWorker } from './runtime.ts'
import { NETWORK, PRICE, type Stage } from './stage.ts'

const Ran = v.object({
  status: v.literal('settled'),
  rows: v.object({ lines: v.number(), numbers: v.number(), book: v.number() }),
  calls: v.number(),
  most: v.number(),
  bill: v.object({ lines: v.number(), statements: v.number(), invoices: v.number() }),
})

/** One run. `rows` counts rows written, `calls` the calls to objects and D1, `most` the largest number of calls in one step. */
export type Billed = Pick<v.InferOutput<typeof Ran>, 'rows' | 'calls' | 'most'> & {
  lines: number
  ms: number
}

/** Charges on each line, all of one day. */
const CHARGES = 3
/** More than a cent, so that the sum can be invoiced by transfer. */
const CHARGE_MICRO_USD = '12345'
const AT_ONCE = 100

/** @throws if a line was not invoiced */
export async function bill({ receiver }: Pick<Stage, 'receiver'>, count: number): Promise<Billed> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const worker = await startWorker({
    main: 'bench/workers/billing.ts',
    vars: {
      ORIGIN: 'self',
      RECEIVER: receiver.address,
      NETWORK,
      PRICE,
      SCHEMES: '["credit"]',
      REGISTRATION_URL: 'https://site.example/credit',
      PUBLIC_URL: 'https://site.example',
      OPERATOR_KEY: JSON.stringify(privateKey.export({ format: 'jwk' })),
      SELLER: JSON.stringify({ name: 'Tally & Ink', country: 'DE', taxId: 'DE402402402', vat: '19%' }),
      TRANSFER_TO: 'IBAN DE02 1203 0000 0000 2020 51',
    },
  })
  try {
    for (let first = 1; first <= count; first += AT_ONCE) {
      const lines = {
        first,
        last: Math.min(first + AT_ONCE - 1, count),
        charges: CHARGES,
        price: CHARGE_MICRO_USD,
      }
      const body = JSON.stringify(lines)
      const { ok, status } = await fetch(new URL('/lines', worker.url), { method: 'POST', body })
      if (!ok) throw new Error(`opening credit lines failed with ${status}`)
    }
    // A nightly run finds its objects evicted, so restart first.
    const url = await worker.restart()
    const start = performance.now()
    const response = await fetch(new URL('/run', url))
    if (!response.ok) throw new Error(`the run failed with ${response.status}: ${await response.text()}`)
    const ms = performance.now() - start
    const { bill, rows, calls, most } = v.parse(Ran, await response.json())
    if (Object.values(bill).some((done) => done !== count)) {
      throw new Error(
        `the run must bill ${count} lines, but made ${bill.statements} statements and ${bill.invoices} invoices`,
      )
    }
    return { lines: count, ms, rows, calls, most }
  } finally {
    await worker.stop()
  }
}
