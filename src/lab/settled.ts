/** What the ledger and the chain show of one crawler. */
import type { Address, Hex } from '../protocol/evm/hex.ts'
import { channelOn, sent } from './chain-view.ts'
import type { Pays } from './crawlers/crawler.ts'
import { find } from './operator.ts'
import type { Settled } from './score.ts'
import type { Stage } from './stage.ts'

const NOTHING: Settled = { charged: 0n, paid: 0n, due: 0n, undelivered: 0n }

/** `account`: its id in the ledger, or null before its first receipt. */
export async function settledOf(
  stage: Stage,
  pays: Pays,
  wallet: Address,
  account: string | null,
): Promise<Settled> {
  if (account === null) return NOTHING
  switch (pays) {
    case 'channel':
      return onChannel(stage, account as Hex)
    case 'exact':
      return atOnce(stage, account, wallet)
    case 'credit':
      return onCredit(stage, account)
  }
}

async function onChannel(stage: Stage, id: Hex): Promise<Settled> {
  const view = await find<{ standing: { charged: string } }>(stage, `/accounts/${id}?limit=1`)
  const { balance, claimed } = await channelOn(stage.chain, id)
  const charged = BigInt(view?.standing.charged ?? 0)
  const backed = charged < balance ? charged : balance
  return { charged, paid: claimed, due: backed > claimed ? backed - claimed : 0n, undelivered: 0n }
}

async function atOnce(
  { chain, receiver, receivers, ...stage }: Stage,
  id: string,
  wallet: Address,
): Promise<Settled> {
  const view = await find<{
    totals: { received: string; undelivered: number }
    payments: { amount: string; status: string }[]
  }>(stage, `/accounts/${id}?limit=500`)
  const wallets = [receiver.address, ...receivers]
  const paid = (await Promise.all(wallets.map((to) => sent(chain, wallet, to)))).reduce((a, b) => a + b, 0n)
  const received = BigInt(view?.totals.received ?? 0)
  const open = (view?.payments ?? []).filter(({ status }) => status === 'undelivered')
  const undelivered = open.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  return { charged: received, paid, due: 0n, undelivered }
}

async function onCredit(stage: Stage, id: string): Promise<Settled> {
  type Line = { standing: { status: string; charged: string; redeemed: string } }
  const view = await find<Line>(stage, `/accounts/${id}?limit=1`)
  if (!view) return NOTHING
  const [charged, paid] = [BigInt(view.standing.charged), BigInt(view.standing.redeemed)]
  const { invoices } = (await find<{ invoices: { stage: string; owed: string }[] }>(
    stage,
    `/invoices?agent=${id}&limit=500`,
  )) ?? { invoices: [] }
  const lost = invoices.filter(({ stage }) => stage === 'written_off')
  const written = lost.reduce((sum, { owed }) => sum + BigInt(owed), 0n)
  const due = charged - paid - written
  return { charged, paid, due: due > 0n ? due : 0n, undelivered: 0n }
}
