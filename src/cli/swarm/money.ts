/** The money of a swarm: the pages that its payers got, and the charges of the ledger. Amounts in micro-dollars. */
import type { SwarmPayers } from './payers.ts'
import type { Lane } from './run.ts'

/** A lane at one moment. `charged` and `unsettled` (charged and not redeemed) are null if the ledger was not asked. */
export type Figures = { delivered: bigint; pages: number; charged: bigint | null; unsettled: bigint | null }

/** Reads every lane. Without an operator the ledger is not asked. */
export function readFigures(lanes: readonly Lane[], operator: SwarmPayers['operator']): Promise<Figures[]> {
  return Promise.all(
    lanes.map(async ({ tally }) => {
      const { delivered, pages, account } = tally()
      const standing = operator && account !== null ? await standingOf(operator, account) : null
      const unsettled = standing && standing.charged - standing.redeemed
      return { delivered, pages, charged: standing?.charged ?? null, unsettled }
    }),
  )
}

async function standingOf(
  { url, token }: NonNullable<SwarmPayers['operator']>,
  account: string,
): Promise<{ charged: bigint; redeemed: bigint }> {
  const path = `${url}/accounts/${encodeURIComponent(account)}?limit=1`
  const response = await fetch(path, { headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`)
  const { standing } = (await response.json()) as { standing: { charged: string; redeemed: string } }
  return { charged: BigInt(standing.charged), redeemed: BigInt(standing.redeemed) }
}

/** The pages of a swarm, and its charges. The last three are null without an operator. */
export type SwarmMoney = {
  pages: number
  delivered: bigint
  charged: bigint | null
  /** Delivered and not charged. */
  servedUnpaid: bigint | null
  /** Charged and not delivered. */
  overpaid: bigint | null
}

/** The difference of two moments, lane by lane: the loss of one payer does not make up for the theft of another. */
export function moneyOf(before: readonly Figures[], after: readonly Figures[]): SwarmMoney {
  const lanes = after.map((now, lane) => {
    const then = before[lane] ?? { delivered: 0n, pages: 0, charged: null, unsettled: null }
    const charged = now.charged === null || then.charged === null ? null : now.charged - then.charged
    return { pages: now.pages - then.pages, delivered: now.delivered - then.delivered, charged }
  })
  const isAudited = lanes.every(({ charged }) => charged !== null)
  const sum = (of: (lane: (typeof lanes)[number]) => bigint) =>
    lanes.reduce((all, lane) => all + of(lane), 0n)
  const above = (a: bigint, b: bigint) => (a > b ? a - b : 0n)
  return {
    pages: lanes.reduce((all, { pages }) => all + pages, 0),
    delivered: sum(({ delivered }) => delivered),
    charged: isAudited ? sum(({ charged }) => charged ?? 0n) : null,
    servedUnpaid: isAudited ? sum(({ delivered, charged }) => above(delivered, charged ?? 0n)) : null,
    overpaid: isAudited ? sum(({ delivered, charged }) => above(charged ?? 0n, delivered)) : null,
  }
}
