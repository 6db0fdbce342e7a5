/** A whole site for tests: chain, origin and a Worker in workerd, which can be killed and restarts. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodePaymentRequiredHeader } from '@x402/core/http'
import { decodePaymentResponseHeader } from '@x402/fetch'
import {
  chainReader as chainBook,
  operatorClient as operatorBook,
  type RunView as Run,
} from '../../src/cli/demo/clients.ts'
import type { Entry, Standing } from '../../src/ledger/channel/types.ts'
import type { Hex } from '../../src/protocol/evm/hex.ts'
import { GAS_VARS, type LocalAccount, startChain } from '../../src/testing/chain/chain.ts'
import { type RpcFault, type Seen, startRpcProxy } from '../../src/testing/chain/rpc-proxy.ts'
import { freePort } from '../../src/testing/stack/billing.ts'
import { traceRuntimes } from '../../src/testing/stack/kill.ts'
import { startPages } from '../../src/testing/stack/pages.ts'
import type { StackFacts } from '../../src/testing/stack/stack.ts'
import { startWorker } from '../../src/testing/stack/workerd.ts'
import { channelFetch } from '../upstream.ts'

/** The User-Agent of the crawlers in these tests. */
export const AGENT = 'ExampleBot/1.0 (+https://crawler.example)'

/** The price of a page in `wrangler.toml`, in micro-dollars. */
export const PRICE = 1_000n

export { CANARY, type OriginRequest as Asked, startPages } from '../../src/testing/stack/pages.ts'

const TOKEN = 'a-token-that-only-the-tests-know'

export type Site = Awaited<ReturnType<typeof startSite>>

type Vars = Record<string, string>

/**
 * Starts all parts. `vars` override those of `wrangler.toml`, and may depend on the URL of the Worker's node; without `port`,
 * the Worker gets a free one. `registry` binds the registry of sites.
 */
export async function startSite(vars: Vars | ((node: string) => Vars) = {}, port?: number, registry = false) {
  const directory = await mkdtemp(join(tmpdir(), 'tab402-site-'))
  const chain = await startChain({ accounts: 40 })
  const [relayer, receiver, ...payers] = chain.accounts
  if (!relayer || !receiver) throw new Error('the local chain has too few accounts')
  const [origin, proxy] = await Promise.all([startPages(), startRpcProxy(chain.rpcUrl)])
  const node = `${proxy.url}/node`
  const logs: string[] = []
  const kill = await traceRuntimes()
  const worker = await startWorker({
    port: port ?? (await freePort()),
    registry,
    directory,
    vars: {
      ORIGIN: origin.url,
      RECEIVER: receiver.address,
      RPC_URL: node,
      RELAYER_KEY: relayer.privateKey,
      OPERATOR_TOKEN_SHA256: createHash('sha256').update(TOKEN).digest('hex'),
      ...GAS_VARS,
      ...(typeof vars === 'function' ? vars(node) : vars),
    },
    log: (line) => logs.push(line),
  })
  const { url } = worker
  const facts: StackFacts = {
    url,
    origin: origin.url,
    rpc: chain.rpcUrl,
    scheduled: `${url}/cdn-cgi/local/scheduled?cron=0+0+*+*+*`,
    usdc: chain.usdc,
    escrow: chain.escrow,
    receiver: receiver.address,
    paths: { free: '/robots.txt', charged: '/page' },
    accounts: payers,
    operator: { url: `${url}/_tab402/api`, token: TOKEN },
    console: { url: worker.console, login: `${worker.console}/sign-in` },
    sites: [],
  }
  return {
    facts,
    direct: worker.direct,
    book: worker.book,
    chain,
    origin,
    logs,
    relayer: relayer.address,
    books: operatorBook(facts),
    coins: chainBook(facts),
    /** An account with money that no other test of this file has. */
    payer(): LocalAccount {
      const payer = payers.shift()
      if (!payer) throw new Error('all payers are taken')
      return payer
    },
    /** The Worker's node, whose faults a test sets. The tests reach the chain directly. */
    node: {
      async misbehave(...faults: RpcFault[]) {
        await fetch(node, { method: 'PUT', body: JSON.stringify(faults) })
      },
      /** How often the Worker has called a method. */
      async calls(method: string) {
        const seen = (await (await fetch(node)).json()) as Seen[]
        return seen.filter((call) => call.method === method).length
      },
    },
    /** Kills the runtime with SIGKILL, and waits until it serves again from disk. */
    async kill() {
      await kill(Number(new URL(url).port))
      await serves(url)
    },
    async stop() {
      await worker.stop()
      await origin.stop()
      await proxy.stop()
      await chain.stop()
      await rm(directory, { recursive: true })
    },
  }
}

/** A request that meets the kill may never be answered. Another is sent then, for at most a minute. */
async function serves(url: string): Promise<void> {
  const until = Date.now() + 60_000
  for (;;) {
    try {
      await fetch(`${url}/robots.txt`, { signal: AbortSignal.timeout(5_000) })
      return
    } catch (cause) {
      const { name } = cause as Error
      if ((name !== 'TypeError' && name !== 'TimeoutError') || Date.now() > until) throw cause
      await new Promise((done) => setTimeout(done, 20))
    }
  }
}

/** A row of the operator's API: amounts are decimal strings. */
export type Json<Row> = { [Key in keyof Row]: Row[Key] extends bigint ? string : Row[Key] }

/** The state of an account, with up to 500 entries of its journal after `after`. */
export async function accountOf({ facts: { operator } }: Site, id: Hex, after = 0) {
  const answer = await fetch(`${operator.url}/accounts/${id}?after=${after}&limit=500`, {
    headers: { authorization: `Bearer ${operator.token}` },
  })
  return (await answer.json()) as { standing: Json<Standing>; entries: Json<Entry>[] }
}

/** An account's whole journal, oldest first. */
export async function journalOf(site: Site, id: Hex): Promise<Json<Entry>[]> {
  const lines: Json<Entry>[] = []
  for (let after = 0; ; after = lines.at(-1)?.seq ?? 0) {
    const { entries } = await accountOf(site, id, after)
    lines.push(...entries)
    if (entries.length < 500) return lines
  }
}

/** The x402 error of a 402, or of another refusal. */
export async function errorOf(response: Response): Promise<string> {
  const header = response.headers.get('payment-required')
  const { error } = header
    ? decodePaymentRequiredHeader(header)
    : ((await response.json()) as { error: string })
  return error ?? ''
}

export const NIGHTLY = '0 0 * * *'
export const WATCH = '*/5 * * * *'

/** Fires a cron; `time` in Unix milliseconds. */
export async function fire(
  { facts }: { facts: { url: string } },
  cron: string,
  time = Date.now(),
): Promise<Response> {
  const answer = await fetch(
    `${facts.url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}&time=${time}`,
  )
  if (!answer.ok) throw new Error(`the cron failed: ${answer.status} ${await answer.text()}`)
  return answer
}

/** The id of the run of a kind that the cron starts at `time`. */
export function runAt(time: number, kind: 'settle' | 'bill' | 'shadow' = 'settle'): string {
  return `${kind}-${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '')}`
}

/** Waits until a run has ended. */
export async function ended({ books }: Site, id: string): Promise<Run> {
  for (;;) {
    const run = (await books.runs()).find((one) => one.id === id)
    if (run && run.status !== 'running') return run
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** Fires the nightly cron for `time`, and waits for the end of its settlement run. */
export async function settleAt(site: Site, time = Date.now()): Promise<Run> {
  await fire(site, NIGHTLY, time)
  return ended(site, runAt(time))
}

export type Tab = ReturnType<typeof openTab>

/** An unmodified client on a channel, which can also sign a payment without sending it. */
export function openTab({ facts, books }: Site, account: LocalAccount, door = facts.url) {
  let holding = false
  let channelId: Hex | undefined
  const tap: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    const header = request.headers.get('payment-signature')
    if (holding && header !== null) throw new Held(header)
    return fetch(request)
  }
  const { fetch: pay, scheme } = channelFetch(tap, account, facts.rpc)
  const ask = (path: string): Promise<Response> => pay(door + path, { headers: { 'user-agent': AGENT } })
  /** Buys a page and reads it to its end; throws when it is not served. */
  const buy = async (path: string): Promise<Receipt> => {
    const response = await ask(path)
    const body = await response.text()
    if (!response.ok) throw new Error(`${path} was not served: ${response.status} ${body}`)
    const receipt = receiptOf(response)
    channelId = receipt.channelId
    return receipt
  }
  return {
    account,
    scheme,
    ask,
    buy,
    /** Signs the payment for a page without sending it. Buys another page first, so that the total is known. */
    async sign(path: string): Promise<string> {
      await buy('/before')
      holding = true
      const fault = await ask(path).catch((fault: unknown) => fault)
      holding = false
      if (fault instanceof Held) return fault.header
      throw new Error(`the client did not pay for ${path}`, { cause: fault })
    },
    /** The total that the account has charged. */
    async charged(): Promise<bigint> {
      return channelId === undefined ? 0n : BigInt((await books.tab(channelId)).charged)
    },
  }
}

class Held extends Error {
  readonly header: string

  constructor(header: string) {
    super('not sent')
    this.header = header
  }
}

export type Receipt = { transaction: string; channelId: Hex; charged: bigint; due: bigint }

/** Reads the PAYMENT-RESPONSE of a channel payment. `charged` is the running total after it, in micro-dollars. */
export function receiptOf(response: Pick<Response, 'headers'>): Receipt {
  const { transaction, extra = {} } = decodePaymentResponseHeader(
    response.headers.get('payment-response') ?? '',
  )
  const { channelId, chargedCumulativeAmount } = extra.channelState as Record<string, string>
  return {
    transaction,
    channelId: channelId as Hex,
    charged: BigInt(chargedCumulativeAmount ?? ''),
    due: BigInt(String(extra.chargedAmount)),
  }
}
