/** A whole site in a test's hands: its chain, its origin and its Worker in workerd, which can be killed and comes back. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
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
import { type Account, startChain } from '../../src/testing/chain/chain.ts'
import { type Fault, type Seen, startRpcProxy } from '../../src/testing/chain/rpc-proxy.ts'
import type { StackFacts } from '../../src/testing/stack/stack.ts'
import { startWorker } from '../../src/testing/stack/workerd.ts'
import { channelFetch } from '../upstream.ts'

/** How a crawler of these tests calls itself. */
export const AGENT = 'ExampleBot/1.0 (+https://crawler.example)'

/** What a page costs by `wrangler.toml`. Atomic units. */
export const PRICE = 1_000n

/** On every page of the origin: where it is read, the origin was read. */
export const CANARY = 'only for those who paid'

const TOKEN = 'a-token-that-only-the-tests-know'

export type Site = Awaited<ReturnType<typeof startSite>>

/** Starts the parts side by side. `vars` over those of `wrangler.toml`; the Worker's port is a free one unless given. */
export async function startSite(vars: Record<string, string> = {}, port?: number) {
  const directory = await mkdtemp(join(tmpdir(), 'tab402-site-'))
  const chain = await startChain({ accounts: 40 })
  const [relayer, receiver, ...payers] = chain.accounts
  if (!relayer || !receiver) throw new Error('the local chain has too few accounts')
  const [origin, proxy] = await Promise.all([startPages(), startRpcProxy(chain.rpcUrl)])
  const node = `${proxy.url}/node`
  const said: string[] = []
  const runtime = await markWorkerd(directory)
  const worker = await startWorker({
    port,
    directory,
    vars: {
      ORIGIN: origin.url,
      RECEIVER: receiver.address,
      RPC_URL: node,
      RELAYER_KEY: relayer.privateKey,
      OPERATOR_TOKEN_SHA256: createHash('sha256').update(TOKEN).digest('hex'),
      ...vars,
    },
    log: (line) => said.push(line),
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
  }
  return {
    facts,
    direct: worker.direct,
    chain,
    origin,
    said,
    relayer: relayer.address,
    books: operatorBook(facts),
    coins: chainBook(facts),
    /** An account with money that no other test of this file has. */
    payer(): Account {
      const payer = payers.shift()
      if (!payer) throw new Error('all payers are taken')
      return payer
    },
    /** The Worker's way to the chain, which does wrong what it is told to. The tests have a way of their own. */
    node: {
      async misbehave(...faults: Fault[]) {
        await fetch(node, { method: 'PUT', body: JSON.stringify(faults) })
      },
      /** How often the Worker has called a method. */
      async calls(method: string) {
        const seen = (await (await fetch(node)).json()) as Seen[]
        return seen.filter((call) => call.method === method).length
      },
    },
    /** Kills the runtime with no chance to say anything, and waits until it serves again from what is on disk. */
    async kill() {
      await runtime.kill()
      await serves(url)
    },
    async stop() {
      await worker.stop()
      await origin.stop()
      await proxy.stop()
      await chain.stop()
      runtime.forget()
      await rm(directory, { recursive: true })
    },
  }
}

/** Miniflare tells nobody whom to kill, so the runtime is started by a script that leaves its pid behind. */
async function markWorkerd(directory: string) {
  const [script, mark] = [join(directory, 'workerd.sh'), join(directory, 'workerd.pid')]
  const { default: workerd } = createRequire(import.meta.url)('workerd') as { default: string }
  await writeFile(script, `#!/bin/sh\necho $$ > '${mark}'\nexec '${workerd}' "$@"\n`, { mode: 0o755 })
  process.env.MINIFLARE_WORKERD_PATH = script
  return {
    kill: async () => {
      const pid = Number(await readFile(mark, 'utf8'))
      await rm(mark)
      process.kill(pid, 'SIGKILL')
    },
    forget: () => {
      delete process.env.MINIFLARE_WORKERD_PATH
    },
  }
}

async function serves(url: string): Promise<void> {
  for (;;) {
    try {
      await fetch(`${url}/robots.txt`, { signal: AbortSignal.timeout(5_000) })
      return
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause
      await new Promise((done) => setTimeout(done, 20))
    }
  }
}

export type Asked = { method: string; url: string; headers: IncomingMessage['headers']; body: string }

/** A server that remembers what it was asked and answers as it is told; at first, every path with a page of its own. */
async function startPages() {
  const asked: Asked[] = []
  const page = (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('content-type', 'text/plain')
    response.end(request.method === 'HEAD' ? undefined : `${request.url}: ${CANARY}\n`)
  }
  const pages = { asked, page, answer: page }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
    pages.answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(pages, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

/** A row as the operator's API writes it: amounts are decimal strings. */
export type Json<Row> = { [Key in keyof Row]: Row[Key] extends bigint ? string : Row[Key] }

/** What an account says of itself, with its journal after the entry `after`, at most 500 lines of it. */
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
export async function fire({ facts }: Site, cron: string, time = Date.now()): Promise<Response> {
  const answer = await fetch(
    `${facts.url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}&time=${time}`,
  )
  if (!answer.ok) throw new Error(`the cron failed: ${answer.status} ${await answer.text()}`)
  return answer
}

/** The name of the run that a firing at `time` starts. */
export function runAt(time: number): string {
  return `settle-${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '')}`
}

/** A run, once it has ended. */
export async function ended({ books }: Site, id: string): Promise<Run> {
  for (;;) {
    const run = (await books.runs()).find((one) => one.id === id)
    if (run && run.status !== 'running') return run
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** Makes it midnight, and waits for the morning. */
export async function passTheNight(site: Site, time = Date.now()): Promise<Run> {
  await fire(site, NIGHTLY, time)
  return ended(site, runAt(time))
}

export type Tab = ReturnType<typeof openTab>

/** An unmodified client with a tab, whose payments can be had before they are sent. */
export function openTab({ facts, books }: Site, account: Account, door = facts.url) {
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
    /** The payment for a page, signed and not sent. Another page is bought first, so that it follows. */
    async sign(path: string): Promise<string> {
      await buy('/before')
      holding = true
      const fault = await ask(path).catch((fault: unknown) => fault)
      holding = false
      if (fault instanceof Held) return fault.header
      throw new Error(`the client did not pay for ${path}`, { cause: fault })
    },
    /** What the account says that it has been charged. */
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

/** What a PAYMENT-RESPONSE says of a tab. `charged` is the running total after it, in atomic units. */
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
