/** The difference of two books, for people: what money has moved. */
import type { Books } from './books.ts'

/** One figure of the books, such as `accounts 0x12… charged`. */
type Figure = { name: string; amount: bigint | string }

/** One line for each figure that differs, with the amount that it has changed by. Empty without a difference. */
export function diff(before: Books, after: Books): string {
  const [old, now] = [figuresOf(before), figuresOf(after)]
  const names = [...new Set([...old.keys(), ...now.keys()])]
  return names.flatMap((name) => lineOf(name, old.get(name), now.get(name)) ?? []).join('\n')
}

function lineOf(name: string, old: Figure['amount'] | undefined, now: Figure['amount'] | undefined) {
  if (old === now) return null
  if (typeof old === 'string' || typeof now === 'string')
    return `${name}: ${old ?? 'none'} -> ${now ?? 'none'}`
  const [from, to] = [old ?? 0n, now ?? 0n]
  if (from === to) return null
  return `${name}: ${usd(from)} -> ${usd(to)} (${to > from ? '+' : '-'}${usd(to > from ? to - from : from - to)})`
}

function figuresOf({
  accounts,
  chain,
  stripe,
  invoices,
  runs,
  findings,
}: Books): Map<string, Figure['amount']> {
  const figures: Figure[] = [
    ...Object.entries(accounts).flatMap(([id, { charged, redeemed, status }]) => [
      { name: `account ${id} charged`, amount: charged },
      { name: `account ${id} redeemed`, amount: redeemed },
      { name: `account ${id}`, amount: status },
    ]),
    { name: 'escrow', amount: chain.escrow },
    ...Object.entries(chain.wallets).map(([owner, amount]) => ({ name: `wallet ${owner}`, amount })),
    ...Object.entries(stripe).map(([id, { paid }]) => ({ name: `stripe ${id} paid`, amount: paid })),
    ...Object.entries(invoices).flatMap(([id, { total, owed, stage }]) => [
      { name: `invoice ${id} total`, amount: total },
      { name: `invoice ${id} owed`, amount: owed },
      { name: `invoice ${id}`, amount: stage },
    ]),
    ...Object.entries(runs).map(([id, { status }]) => ({ name: `run ${id}`, amount: status })),
    ...findings.map(({ run, account, what }) => ({ name: `finding ${run} ${account}`, amount: what })),
  ]
  return new Map(figures.map(({ name, amount }) => [name, amount]))
}

function usd(micro: bigint): string {
  const digits = `${micro}`.padStart(7, '0')
  return `$${digits.slice(0, -6)}.${digits.slice(-6)}`
}
