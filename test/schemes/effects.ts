/** One payment by each scheme for one request, sent as often as a test likes, and an origin that counts. */
import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { creditOffer, newAgent, openCreditShop } from './credit/harness.ts'
import { type Meddle, newCrawler, newRegular, PRICE, type TestPaywall } from './harness.ts'

export type Sent = { method?: string; body?: string }

/** One payment: `ask` sends its request, `age` moves into the past what its account has stored. */
export type Bought = { ask: () => Promise<Response>; age: (ms: number) => Promise<void> }

/** A site whose calls do what `does` says. `asked` counts the requests that reached the origin. */
export function openCounted(vars: Record<string, unknown> = {}) {
  const origin = { asked: 0, does: (async (_, call) => call()) as Meddle }
  const shop = openCreditShop(vars, async (name, call) => {
    if (name === 'SITE.fetch') origin.asked++
    return origin.does(name, call)
  })
  return { shop, origin }
}

export const BY_SCHEME = {
  async channel(shop: TestPaywall, path: string, sent: Sent): Promise<Bought> {
    const crawler = await newRegular(shop)
    const payment = await crawler.owes(2n * PRICE)
    return { ask: () => shop.ask(path, { ...sent, payment }), age: (ms) => ageEntries(crawler.account(), ms) }
  },
  async exact(shop: TestPaywall, path: string, sent: Sent): Promise<Bought> {
    const crawler = await newCrawler(shop)
    const payment = await crawler.pays()
    const memory = env.AUTHORIZATIONS.getByName(`eip155:84532:${crawler.payer.address}`)
    const age = (ms: number) =>
      runInDurableObject(memory, (_, { storage }) => {
        storage.sql.exec('UPDATE authorization SET at = at - ?', ms)
      })
    return { ask: () => shop.ask(path, { ...sent, payment }), age }
  },
  async credit(shop: TestPaywall, path: string, sent: Sent): Promise<Bought> {
    const agent = await newAgent()
    const covered = sent.body && {
      headers: { 'Content-Digest': await digestOf(sent.body) },
      covers: ['@method', '@target-uri', 'content-digest'],
    }
    const signed = await agent.commit(path, await creditOffer(shop, path), { ...sent, ...covered })
    return { ask: () => shop.ask(path, signed), age: (ms) => ageEntries(agent.line(), ms) }
  },
}

export const SCHEME_NAMES = Object.keys(BY_SCHEME) as (keyof typeof BY_SCHEME)[]

async function ageEntries(account: DurableObjectStub, ms: number): Promise<void> {
  await runInDurableObject(account, (_, { storage }) => {
    storage.sql.exec('UPDATE entry SET at = at - ?', ms)
  })
  await evictDurableObject(account)
}

async function digestOf(body: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body)))
  return `sha-256=:${btoa(String.fromCharCode(...digest))}:`
}
