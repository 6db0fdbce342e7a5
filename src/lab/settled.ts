/** The figures of the ledger and the chain about one crawler. */
import type { Address, Hex } from '../protocol/evm/hex.ts'
import { channelOn, sentTo } from './chain-view.ts'
import type { PaysBy } from './crawlers/crawler.ts'
import { find, listAll } from './operator.ts'
import type { CrawlerMoney } from './score.ts'
import type { LabStage } from './stage.ts'

const NOTHING: CrawlerMoney = { charged: 0n, paid: 0n, due: 0n, undelivered: 0n }

/** `account`: its id in the ledger, or null before its first receipt. */
export async function settledOf(
  stage: LabStage,
  pays: PaysBy,
  wallet: Address,
  account: string | null,
): Promise<CrawlerMoney> {
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

async function onChannel(stage: LabStage, id: Hex): Promise<CrawlerMoney> {
  const view = await find<{ standing: { charged: string } }>(stage, `/accounts/${id}?limit=1`)
  const { balance, claimed } = await channelOn(stage.chain, id)
  const charged = BigInt(view?.standing.charged ?? 0)
  const backed = charged < balance ? charged : balance
  return { charged, paid: claimed, due: backed > claimed ? backed - claimed : 0n, undelivered: 0n }
}

async function atOnce(
  { chain, receiver, receivers, ...stage }: LabStage,
  id: string,
  wallet: Address,
): Promise<CrawlerMoney> {
  const view = await find<{ totals: { received: string } }>(stage, `/accounts/${id}?limit=1`)
  const payments = await listAll<{ amount: string; status: string }>(stage, `/accounts/${id}`, 'payments')
  // The operator and a site may name the same wallet.
  const sent = await sentTo(chain, [...new Set([receiver, ...receivers])])
  const paid = sent.get(wallet.toLowerCase()) ?? 0n
  const received = BigInt(view?.totals.received ?? 0)
  const open = payments.filter(({ status }) => status === 'undelivered')
  const undelivered = open.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  return { charged: received, paid, due: 0n, undelivered }
}

async function onCredit(stage: LabStage, id: string): Promise<CrawlerMoney> {
  type Line = { standing: { status: string; charged: string; redeemed: string } }
  const view = await find<Line>(stage, `/accounts/${id}?limit=1`)
  if (!view) return NOTHING
  const [charged, paid] = [BigInt(view.standing.charged), BigInt(view.standing.redeemed)]
  type Invoice = { stage: string; owed: string }
  const invoices = await listAll<Invoice>(stage, `/invoices?agent=${id}`, 'invoices', 'before')
  const lost = invoices.filter(({ stage }) => stage === 'written_off')
  const written = lost.reduce((sum, { owed }) => sum + BigInt(owed), 0n)
  const due = charged - paid - written
  return { charged, paid, due: due > 0n ? due : 0n, undelivered: 0n }
}
