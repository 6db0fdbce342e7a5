/** The three ways to pay: the same clients that `tab402 pay` has. */

import { signingCrawler } from '../../pay/agent.ts'
import { payAtOnce, payByVoucher } from '../../pay/crawler.ts'
import type { Facts } from '../calls.ts'
import type { Gate } from './gate.ts'
import type { Keys } from './keys.ts'
import { askCredit } from './server.ts'
import type { Way } from './tamper.ts'

/** Buys a page. `account`: the account in the ledger that has paid. @throws if the page is not served */
export type Payer = { buy(url: string): Promise<{ account: string }> }

/** Makes the client of a way. On credit it asks the operator for a credit line first. */
export async function payerOf(way: Way, facts: Facts, keys: Keys, gate: Gate): Promise<Payer> {
  if (way === 'credit') return onCredit(keys, gate)
  const rpc = new URL('rpc', location.href).href
  const pay = (way === 'once' ? payAtOnce : payByVoucher)(keys.wallet, rpc, gate.send)
  return {
    async buy(url) {
      const { channel } = await pay(url)
      return { account: channel?.channelId ?? `${facts.network}:${keys.address}` }
    },
  }
}

async function onCredit({ agent }: Keys, gate: Gate): Promise<Payer> {
  const { kty, crv, x } = agent
  const { id, host } = await askCredit({ kty, crv, x } as JsonWebKey)
  const crawler = await signingCrawler(id, host, agent, gate.send)
  return {
    async buy(url) {
      const answer = await crawler.read(url)
      if (!answer.served) throw new Error(answer.error)
      return { account: id }
    },
  }
}
