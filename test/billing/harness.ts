/** A billing run: real credit lines, numbers and read model, and a local Stripe. */
import { env } from 'cloudflare:test'
import { catchUp } from '../../src/billing/catch-up.ts'
import type { BillSettings } from '../../src/billing/context.ts'
import { billPage, markNamed, NO_BILL } from '../../src/billing/nightly.ts'
import type { InvoiceStanding, Stage } from '../../src/ledger/billing/types.ts'
import type { Finding } from '../../src/ledger/book/finding.ts'
import type { CreditTerms } from '../../src/ledger/credit/terms.ts'
import { stripeRail } from '../../src/rails/stripe/rail.ts'
import { transferRail } from '../../src/rails/transfer.ts'
import { add } from '../../src/settlement/channels/reconcile.ts'
import { localStripe } from '../../src/testing/stripe/stripe.ts'
import { newLine } from '../ledger/credit/harness.ts'

export const DAY = 86_400_000
export const DUNNING = { net: 14, pastDue: 3, suspended: 10, writtenOff: 90 }

/** The next midnight. Credit lines use the real clock, so the period of today's charges ends then. */
export const MIDNIGHT = (Math.floor(Date.now() / DAY) + 1) * DAY

export async function newOperator() {
  for (const table of ['line', 'statement', 'invoice', 'rail_mark', 'webhook'])
    await env.BOOK.prepare(`DELETE FROM ${table}`).run()
  const clock = { at: MIDNIGHT }
  const now = () => clock.at
  const stripe = localStripe({ now })
  const notified: { id: string; type: string; invoice: string }[] = []
  const trouble = { webhook: 204 }
  const settings: BillSettings = {
    book: env.BOOK,
    lines: env.LINES,
    numbers: env.NUMBERS,
    rails: {
      transfer: transferRail('IBAN DE00 0000'),
      stripe: stripeRail({
        secretKey: 'sk_test_local',
        webhookSecret: 'whsec_local',
        fetch: (input, init) => stripe.fetch(new Request(input, init)),
        now,
      }),
    },
    seller: { name: 'Tally GmbH', country: 'DE', taxId: 'DE123456789', vatRate: 1900 },
    dunning: DUNNING,
    webhook: {
      url: 'https://operator.example/',
      secret: 'a secret of some length',
      now,
      async fetch(input, init) {
        notified.push(JSON.parse(await new Request(input, init).text()))
        return new Response(null, { status: trouble.webhook })
      },
    },
  }
  return { settings, clock, stripe, notified, trouble }
}

export type Operator = Awaited<ReturnType<typeof newOperator>>

/** Settings with which something else is done before each call of these names at an object: another call, or a failure. */
export function preceded(
  settings: BillSettings,
  calls: Record<string, () => Promise<unknown>>,
): BillSettings {
  const hook = <Space extends { getByName(name: string): object }>(space: Space) =>
    ({
      getByName: (id: string) =>
        new Proxy(space.getByName(id), {
          get: (stub, method) => {
            const callee = stub as Record<string, (...rest: unknown[]) => Promise<unknown>>
            if (typeof method === 'symbol') return Reflect.get(stub, method)
            return async (...rest: unknown[]) => {
              await calls[method]?.()
              return callee[method]?.(...rest)
            }
          },
        }),
    }) as unknown as Space
  return { ...settings, lines: hook(settings.lines), numbers: hook(settings.numbers) }
}

/** The nightly run as the engine has it: first what webhooks have missed, then the lines. `day` after {@link MIDNIGHT}. */
export async function night(operator: Operator, day: number) {
  operator.clock.at = MIDNIGHT + day * DAY
  await catchUp(operator.settings, operator.clock.at)
  return runBilling(operator, operator.clock.at)
}

/** Runs the billing at `time` and adds up all its pages. */
export async function runBilling(
  { settings, clock }: Pick<Operator, 'settings' | 'clock'>,
  time = clock.at,
): Promise<{ sums: typeof NO_BILL; findings: Finding[] }> {
  clock.at = time
  let [sums, after] = [NO_BILL, '' as string | null]
  const findings: Finding[] = []
  while (after !== null) {
    // The engine passes a step's result as JSON.
    const billed: Awaited<ReturnType<typeof billPage>> = JSON.parse(
      JSON.stringify(await billPage(settings, after, time)),
    )
    sums = add(sums, billed.sums)
    findings.push(...billed.findings)
    await markNamed(settings, billed)
    after = billed.next
  }
  return { sums, findings }
}

/** A credit line with one charge for each price. */
export async function newCustomer(prices: readonly bigint[], terms: Partial<CreditTerms> = {}) {
  const buyer = { name: 'Crawl SARL', country: 'FR', taxId: 'FR12345678901' }
  const line = newLine({ limit: 10n ** 9n, probation: 10n ** 9n, buyer, ...terms })
  for (const price of prices) await line.charge({ price })
  await line.line().list()
  const invoices = async () => line.line().invoices()
  return {
    ...line,
    agent: line.enrolment.agent,
    invoices,
    async only(): Promise<InvoiceStanding> {
      const [invoice, ...more] = await invoices()
      if (!invoice || more.length > 0) throw new Error(`${more.length + (invoice ? 1 : 0)} invoices`)
      return invoice
    },
    async stage(): Promise<Stage | undefined> {
      return (await invoices()).at(-1)?.stage
    },
  }
}
