/** The part of each publisher, from the exported journals: charges on channels less what was released, and payments at once. */
import type { StackFacts } from '../../testing/stack/stack.ts'

/** On chain, in atomic units. `received`: claimed from the escrow, or transferred. */
export type Earned = { charged: bigint; received: bigint }

/** An entry of `entries.ndjson`: of a channel, or of a payment by `exact`, which has no totals. Amounts are decimal strings. */
type Entry = {
  account: string
  kind: string
  site?: string | null
  amount: string
  charged?: string
  redeemed?: string
}

/** Reads what each site has earned so far, by the site's id. */
export async function earnings({ operator, sites }: StackFacts): Promise<Map<string, Earned>> {
  const headers = { authorization: `Bearer ${operator.token}` }
  const response = await fetch(`${operator.url}/export/entries.ndjson`, { headers })
  if (!response.ok) throw new Error(`the export must be complete: ${response.status}`)
  const lines = (await response.text()).split('\n').filter(Boolean)
  const entries = lines.map((line) => JSON.parse(line) as Entry)
  const redeemed = new Map<string, bigint>()
  for (const { account, redeemed: total } of entries) if (total) redeemed.set(account, BigInt(total))
  const earned = new Map<string, Earned>(sites.map(({ id }) => [id, { charged: 0n, received: 0n }]))
  for (const { account, kind, site, amount, charged = '0' } of entries.filter(isOnChain)) {
    const part = earned.get(site ?? '')
    if (!part) continue
    const sold = BigInt(amount) * (SIGNS[kind] ?? 0n)
    part.charged += sold
    if (BigInt(charged) <= (redeemed.get(account) ?? 0n)) part.received += sold
  }
  return earned
}

/** Credit lines are named by their agents, and paid by invoice. */
function isOnChain({ account }: Entry): boolean {
  return /^(?:0x[0-9a-f]{64}|eip155:.*)$/.test(account)
}

/** What an entry adds to the sum. */
const SIGNS: Readonly<Record<string, bigint>> = {
  charge: 1n,
  'exact settled': 1n,
  release: -1n,
  lower: -1n,
}
