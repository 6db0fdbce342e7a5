/** The calls of the page to its server, by method and path. Keys of the stack stay on this side. */
import * as v from 'valibot'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import { CHAIN_ID, mintOn } from '../../testing/chain/chain.ts'
import { articlePaths } from '../../testing/stack/origin.ts'
import type { StackFacts } from '../../testing/stack/stack.ts'
import { installCommand, PAY_TOOLS } from '../../testing/tools.ts'
import { chainReader, creditClient, operatorClient } from '../demo/clients.ts'
import { freeMidnight, runNightly } from '../demo/nightly.ts'
import type { Facts, Money, Night } from './calls.ts'
import { DROP, Faucet } from './faucet.ts'
import { MISBEHAVING } from './misbehaving.ts'
import { readChain } from './rpc.ts'
import { askSite } from './site.ts'

/** An answer as JSON. */
export type Reply = { status: number; body: object }
/** A call that was admitted. `rest`: path and query after the name of the route, with a slash. */
export type Call = { rest: string; body: unknown }
/** The routes, such as `POST faucet`. */
export type Routes = Readonly<Record<string, (call: Call) => Promise<Reply>>>

const MAX_AGENTS = 100
const CREDIT_LIMIT = '5000000'

const ADDRESS = v.pipe(v.string(), v.regex(/^0x[0-9a-f]{40}$/))
const ACCOUNT = v.pipe(
  v.string(),
  v.regex(/^(?:0x[0-9a-f]{64}|eip155:\d{1,10}:0x[0-9a-f]{40}|playground-[0-9a-f]{8})$/),
)
const FaucetCall = v.object({ address: ADDRESS })
const MoneyCall = v.object({ address: ADDRESS, account: v.nullable(ACCOUNT) })
const KEY_PART = v.pipe(v.string(), v.regex(/^[\w-]{43}$/))
const CreditCall = v.object({
  key: v.object({ kty: v.literal('OKP'), crv: v.literal('Ed25519'), x: KEY_PART }),
})
const InvoiceCall = v.object({ id: v.pipe(v.string(), v.regex(/^[\w-]{1,80}$/)) })
const CrawlerCall = v.object({ is: v.string(), path: v.pipe(v.string(), v.regex(/^\/[\w/.-]*$/)) })

const ok = (body: object): Reply => ({ status: 200, body })
const trouble = (status: number, error: string): Reply => ({ status, body: { error } })
const UNREADABLE = trouble(400, 'The call must have the form that the page sends.')

/** Makes the routes of a running stack. `isOwnSite`: its pages are not known. */
export function routesOf(stack: StackFacts, isOwnSite: boolean): Routes {
  return {
    ...crawlerRoutes(stack, isOwnSite),
    ...moneyRoutes(stack),
    'POST midnight': oneAtATime(() => midnight(stack)),
    'POST crawler': oneAtATime(async ({ body }) => {
      const wanted = v.safeParse(CrawlerCall, body)
      if (!wanted.success) return UNREADABLE
      const missing = installCommand(PAY_TOOLS)
      if (missing) return trouble(503, `These crawlers need more packages. Run: ${missing}`)
      const { misbehave } = await import('./crawlers.ts')
      const result = await misbehave(stack, wanted.output.is, wanted.output.path)
      return result ? ok(result) : trouble(404, 'The crawler must be one of those with a button.')
    }),
  }
}

function crawlerRoutes(stack: StackFacts, isOwnSite: boolean): Routes {
  const faucet = new Faucet()
  const agents = new Set<string>()
  const facts: Facts = {
    url: stack.url,
    receiver: stack.receiver,
    network: `eip155:${CHAIN_ID}`,
    paths: isOwnSite ? [] : articlePaths(),
    crawlers: MISBEHAVING.map(({ is, title, does }) => ({ is, title, does })),
  }
  return {
    'GET facts': async () => ok(facts),
    'POST site': async ({ rest, body }) => {
      const answer = await askSite(stack.url, rest, body)
      return answer
        ? ok(answer)
        : trouble(400, 'The request must be one that a crawler may send to the site.')
    },
    'POST rpc': async ({ body }) => {
      const answer = await readChain(stack.rpc, body)
      return answer ? ok(answer) : trouble(403, 'The method must be one of those that read the chain.')
    },
    'POST faucet': async ({ body }) => {
      const wanted = v.safeParse(FaucetCall, body)
      if (!wanted.success) return UNREADABLE
      const address = wanted.output.address as Address
      const taken = faucet.take(address, Date.now())
      if (taken !== 'taken') return trouble(429, FAUCET[taken])
      await mintOn(stack.rpc, stack.usdc, address, DROP)
      return ok({ amount: `${DROP}` })
    },
    'POST credit': async ({ body }) => {
      const wanted = v.safeParse(CreditCall, body)
      if (!wanted.success) return UNREADABLE
      if (agents.size >= MAX_AGENTS)
        return trouble(429, 'A stack gives credit to 100 keys. Start it again for more.')
      return ok(await enrol(stack, wanted.output.key, agents))
    },
  }
}

const FAUCET = {
  had: 'The faucet gives one dollar to each key. Make a new key for another dollar.',
  busy: 'The faucet gives 20 dollars a minute. Wait a minute, then try again.',
  dry: 'The faucet is dry. Start the stack again.',
}

/** The operator gives a key a credit line of $5. The same key keeps its line. */
async function enrol(stack: StackFacts, key: JsonWebKey, agents: Set<string>) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key.x)))
  const id = `playground-${Buffer.from(digest).toString('hex').slice(0, 8)}`
  const host = `${id}.example`
  if (!agents.has(id)) {
    const terms = { name: id, url: `https://${host}`, keys: { keys: [key] }, creditLimit: CREDIT_LIMIT }
    const buyer = { name: 'You, a crawler', country: 'US' }
    await creditClient(stack).enrol({ id, ...terms, period: 'daily', rail: 'transfer', buyer })
    agents.add(id)
  }
  return { id, host }
}

function moneyRoutes(stack: StackFacts): Routes {
  const [chain, operator, credit] = [chainReader(stack), operatorClient(stack), creditClient(stack)]
  const totalsOf = async (account: string): Promise<Money['totals']> => {
    if (!account.startsWith('eip155')) {
      const { authorized, charged, redeemed } = await operator.tab(account)
      return { authorized, charged, redeemed }
    }
    // A payment at once is all three in one step.
    const { received } = await operator.atOnce(account)
    return { authorized: received, charged: received, redeemed: received }
  }
  const newestInvoice = async (agent: string): Promise<Money['invoice']> => {
    const invoice = (await credit.invoices(agent)).at(-1)
    return invoice ? { id: invoice.id, stage: invoice.stage, owed: invoice.owed } : null
  }
  return {
    'POST money': async ({ body }) => {
      const wanted = v.safeParse(MoneyCall, body)
      if (!wanted.success) return UNREADABLE
      const { address, account } = wanted.output
      const [wallet, publisher, escrow, totals, invoice] = await Promise.all([
        chain.holds(address as Address),
        chain.holds(stack.receiver),
        account?.startsWith('0x') ? chain.channel(account as Hex) : null,
        account === null ? null : totalsOf(account),
        account?.startsWith('playground-') ? newestInvoice(account) : null,
      ])
      const left = escrow && `${escrow.balance - escrow.claimed}`
      const money: Money = { wallet: `${wallet}`, publisher: `${publisher}`, escrow: left, totals, invoice }
      return ok(money)
    },
    'POST invoice': async ({ body }) => {
      const wanted = v.safeParse(InvoiceCall, body)
      if (!wanted.success) return UNREADABLE
      const { id, stage, owed } = await credit.markPaid(wanted.output.id, `playground ${wanted.output.id}`)
      return ok({ id, stage, owed } satisfies Money['invoice'])
    },
  }
}

/** Fires the cron of the first midnight that no run of this deployment has had yet. */
async function midnight(stack: StackFacts): Promise<Reply> {
  const operator = operatorClient(stack)
  const window = await freeMidnight(operator, Date.now())
  const { settlement, billing } = await runNightly(stack, operator, window)
  const { claimed, swept, transactions } = settlement.record
  const night: Night = {
    window,
    settlement: settlement.status,
    billing: billing.status,
    claimed,
    swept,
    transactions: transactions.list.map(({ kind, rows }) => ({ kind, rows })),
    invoices: billing.record.bill?.invoices ?? 0,
  }
  return ok(night)
}

/** One call at a time; the page shows that another one is running. */
function oneAtATime(run: (call: Call) => Promise<Reply>): (call: Call) => Promise<Reply> {
  let running = false
  return async (call) => {
    if (running) return trouble(409, 'The same is running already. Wait until it has ended.')
    running = true
    try {
      return await run(call)
    } finally {
      running = false
    }
  }
}
