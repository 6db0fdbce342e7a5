/** The invariants of invoices: numbers, periods, dunning and payments. */
import type { BookInvoice, Books } from './books.ts'
import { type Breach, unless } from './breach.ts'

/** The stages of dunning, in order. */
const STAGES = ['open', 'due', 'past_due', 'suspended', 'written_off']

/** Every breach in the invoices of some books. */
export function invoiceBreaches({ invoices }: Pick<Books, 'invoices'>): Breach[] {
  return [
    ...numbers(invoices),
    ...periods(invoices),
    ...Object.entries(invoices).flatMap(([id, invoice]) => [
      ...amounts(id, invoice),
      ...payments(id, invoice),
      ...dunning(id, invoice),
    ]),
  ]
}

/** One series without gaps. Each number is there once, because it is the key of its invoice. */
function numbers(invoices: Books['invoices']): Breach[] {
  const taken = Object.values(invoices).map(({ number }) => BigInt(number))
  const last = taken.reduce((most, number) => (number > most ? number : most), 0n)
  const count = BigInt(new Set(taken).size)
  const says = 'invoice numbers must be consecutive'
  return unless(last === count && taken.length === Number(count), 'B2', 'invoices', says, { last, count })
}

/** Each period of an agent is on one invoice. */
function periods(invoices: Books['invoices']): Breach[] {
  const billed = Object.values(invoices).flatMap(({ agent, periods }) =>
    periods.map((period) => `${agent} ${period}`),
  )
  return [...new Set(billed)].flatMap((period) => {
    const times = BigInt(billed.filter((one) => one === period).length)
    return unless(times === 1n, 'B2', period, 'a period must be on one invoice', {
      invoices: times,
      wanted: 1n,
    })
  })
}

function amounts(id: string, { charged, carriedIn, carried, net }: BookInvoice): Breach[] {
  const [given, billed] = [charged + carriedIn, net + carried]
  return unless(given === billed, 'B1', id, 'an invoice must bill or carry each charge', {
    charged: given,
    billed,
  })
}

/** Each payment is noted once for its reference at the rail, and their sum is what is paid. */
function payments(id: string, { paid, payments }: BookInvoice): Breach[] {
  const references = payments.filter(({ amount }) => amount > 0n).map(({ reference }) => reference)
  const [noted, distinct] = [BigInt(references.length), BigInt(new Set(references).size)]
  const sum = payments.reduce((total, { amount }) => total + amount, 0n)
  return [
    ...unless(noted === distinct, 'B4', id, 'a payment must be noted once for its reference', {
      noted,
      references: distinct,
    }),
    ...unless(sum === paid, 'B4', id, 'the payments must add up to what is paid', { sum, paid }),
  ]
}

/** Dunning skips no stage; only a payment that failed or was taken back makes an invoice past due at once. */
function dunning(id: string, { stages, payments }: BookInvoice): Breach[] {
  const hasFailed = payments.some(({ amount }) => amount <= 0n)
  let rank = 0
  return stages.flatMap((stage) => {
    const [before, next] = [rank, STAGES.indexOf(stage)]
    rank = Math.max(next, 0)
    const says = `${stage} must follow the stage before it`
    const holds = next <= before + 1 || (hasFailed && stage === 'past_due')
    return unless(holds, 'B3', id, says, { stage: BigInt(next), before: BigInt(before) })
  })
}
