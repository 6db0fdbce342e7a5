/** One site on two chains of different ids: each payment settles on its own, and nothing crosses. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodePaymentRequiredHeader } from '@x402/core/http'
import { decodePaymentResponseHeader } from '@x402/fetch'
import { createPublicClient, http, parseAbi } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hex } from '../../src/protocol/evm/hex.ts'
import { type LocalAccount, type LocalChain, startChain } from '../../src/testing/chain/chain.ts'
import { startRpcProxy } from '../../src/testing/chain/rpc-proxy.ts'
import { channelFetch, exactFetch } from '../upstream.ts'
import { AGENT, errorOf, fire, PRICE, type Site, settleAt, startSite, WATCH } from './site.ts'

const [BASE, SEPOLIA] = ['eip155:8453', 'eip155:84532'] as const
type Network = typeof BASE | typeof SEPOLIA

const ORACLE = '0x40c57923924b5c5c5455c48d93317139addac8fb'
const BALANCE = parseAbi(['function balanceOf(address) view returns (uint256)'])
const headers = { 'user-agent': AGENT }

let site: Site
let base: LocalChain
let front: Awaited<ReturnType<typeof startRpcProxy>>

beforeAll(async () => {
  base = await startChain({ chainId: 8453, accounts: 40 })
  front = await startRpcProxy(base.rpcUrl)
  site = await startSite((node) => ({
    NETWORK: JSON.stringify([BASE, SEPOLIA]),
    RPC_URL: JSON.stringify({ [BASE]: `${front.url}/node`, [SEPOLIA]: node }),
    // Open, so that payers are served while a node is down.
    SCREENING: JSON.stringify({
      oracle: { [BASE]: ORACLE, [SEPOLIA]: ORACLE },
      exact: 'open',
      deposit: 'open',
    }),
  }))
})
afterAll(async () => {
  await site.stop()
  await front.stop()
  await base.stop()
})

const chainOf = (network: Network) => (network === BASE ? base : site.chain)

async function held(network: Network, address: Hex): Promise<bigint> {
  const { rpcUrl, usdc } = chainOf(network)
  const client = createPublicClient({ transport: http(rpcUrl) })
  return client.readContract({ address: usdc, abi: BALANCE, functionName: 'balanceOf', args: [address] })
}

const received = async () =>
  Promise.all(([BASE, SEPOLIA] as const).map((network) => held(network, site.facts.receiver)))

const ask = (path: string, payment?: string) =>
  fetch(site.facts.url + path, { headers: { ...headers, ...(payment && { 'payment-signature': payment }) } })

/** Buys pages with an unmodified client that pays on one network, and returns the receipts. */
async function buy(scheme: 'exact' | 'channel', network: Network, payer: LocalAccount, paths: string[]) {
  const { rpcUrl } = chainOf(network)
  const paying =
    scheme === 'exact'
      ? exactFetch(fetch, payer, rpcUrl, network)
      : channelFetch(fetch, payer, rpcUrl, network).fetch
  const receipts = []
  for (const path of paths) {
    const answer = await paying(site.facts.url + path, { headers })
    expect([path, answer.status]).toEqual([path, 200])
    receipts.push(decodePaymentResponseHeader(answer.headers.get('payment-response') ?? ''))
  }
  return receipts
}

/** The payment that a client signs for a page on one network, unsent. */
async function signed(scheme: 'exact' | 'channel', network: Network, payer: LocalAccount, path: string) {
  let header = ''
  const tap: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    const payment = request.headers.get('payment-signature')
    if (payment === null) return fetch(request)
    header = payment
    return new Response(null, { status: 500 })
  }
  const { rpcUrl } = chainOf(network)
  const paying =
    scheme === 'exact'
      ? exactFetch(tap, payer, rpcUrl, network)
      : channelFetch(tap, payer, rpcUrl, network).fetch
  await paying(site.facts.url + path, { headers })
  return header
}

/** The problems that `tab402 check-config --chain` prints for a site on both networks, with these nodes. */
async function checked(nodes: Record<Network, string>): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tab402-check-'))
  const vars = {
    NETWORK: [BASE, SEPOLIA],
    PRICE: '0.001',
    SCHEMES: ['exact'],
    ORIGIN: 'https://origin.example',
  }
  const lines = Object.entries({ ...vars, RECEIVER: site.facts.receiver }).map(
    ([name, value]) => `${name} = ${JSON.stringify(value)}`,
  )
  await writeFile(join(folder, 'wrangler.toml'), `[vars]\n${lines.join('\n')}\n`)
  const secrets = { RPC_URL: JSON.stringify(nodes), RELAYER_KEY: `0x${'11'.repeat(32)}` }
  const env = Object.entries(secrets).map(([name, value]) => `${name}='${value}'`)
  await writeFile(join(folder, '.dev.vars'), env.join('\n'))
  const args = [
    'src/cli/main.ts',
    'check-config',
    '--chain',
    '--json',
    '--config',
    join(folder, 'wrangler.toml'),
  ]
  const printed = await new Promise<string>((done) => {
    execFile(process.execPath, args, (_, stdout) => done(stdout))
  })
  await rm(folder, { recursive: true })
  const { problems } = JSON.parse(printed) as { problems: { place: string; message: string }[] }
  return problems.map(({ place, message }) => `${place} ${message}`)
}

/** The payment as if it accepted the offer of another network. */
function moved(payment: string, offer: object): string {
  const { accepted: _, ...rest } = JSON.parse(atob(payment)) as Record<string, object>
  return btoa(JSON.stringify({ ...rest, accepted: offer }))
}

async function offersOf(path: string) {
  const header = (await ask(path)).headers.get('payment-required') ?? ''
  return { header, offers: decodePaymentRequiredHeader(header).accepts }
}

describe('tab402 check-config --chain', () => {
  const right = () => ({ [BASE]: base.rpcUrl, [SEPOLIA]: site.chain.rpcUrl })

  it('finds nothing where each node serves its network', async () => {
    expect(await checked(right())).toEqual([])
  })

  it('names each node that serves another chain', async () => {
    expect(await checked({ [BASE]: site.chain.rpcUrl, [SEPOLIA]: base.rpcUrl })).toEqual([
      expect.stringMatching(/^RPC_URL\.eip155:8453 must serve Base: it must answer: wrong_chain/),
      expect.stringMatching(/^RPC_URL\.eip155:84532 must serve Base Sepolia: it must answer: wrong_chain/),
    ])
  })

  it('names a token that signs under another domain', async () => {
    const code = String(await base.rpc('eth_getCode', [base.usdc, 'latest']))
    const hex = (text: string) => Buffer.from(text).toString('hex')
    await base.rpc('anvil_setCode', [base.usdc, code.replaceAll(hex('USD Coin'), hex('USD Cash'))])
    try {
      expect(await checked(right())).toEqual([
        'RPC_URL.eip155:8453 must serve Base: it must have USDC with the domain "USD Coin", version "2"',
      ])
    } finally {
      await base.rpc('anvil_setCode', [base.usdc, code])
    }
  })
})

describe('A site on two networks', () => {
  it('offers every scheme on the preferred network first, in a header below 2,048 bytes', async () => {
    const { header, offers } = await offersOf('/first')
    expect(offers.map(({ scheme, network }) => [scheme, network])).toEqual([
      ['batch-settlement', BASE],
      ['exact', BASE],
      ['batch-settlement', SEPOLIA],
      ['exact', SEPOLIA],
    ])
    expect(header.length).toBeLessThan(2_048)
  })

  it('is paid by unmodified clients on each, and one run settles both chains', async () => {
    const before = await received()
    const payers = Array.from({ length: 4 }, () => site.payer())
    const [one, two, three, four] = payers as [LocalAccount, LocalAccount, LocalAccount, LocalAccount]
    const receipts = [
      ...(await buy('exact', BASE, one, ['/exact/1', '/exact/2'])),
      ...(await buy('exact', SEPOLIA, two, ['/exact/3'])),
      ...(await buy('channel', BASE, three, ['/tab/1', '/tab/2', '/tab/3'])),
      ...(await buy('channel', SEPOLIA, four, ['/tab/4', '/tab/5'])),
    ]
    expect(receipts.map(({ network }) => network)).toEqual([
      ...[BASE, BASE, SEPOLIA],
      ...[BASE, BASE, BASE, SEPOLIA, SEPOLIA],
    ])
    const run = await settleAt(site)
    expect(run).toMatchObject({
      status: 'settled',
      record: { claimed: `${5n * PRICE}`, swept: `${5n * PRICE}`, findings: { count: 0 } },
    })
    const { list } = run.record.transactions as { list: { kind: string; network?: string }[] }
    expect(list.map(({ kind, network }) => `${kind} ${network}`).toSorted()).toEqual([
      `claim ${BASE}`,
      `claim ${SEPOLIA}`,
      `sweep ${BASE}`,
      `sweep ${SEPOLIA}`,
    ])
    const after = await received()
    expect(after.map((sum, at) => sum - (before[at] ?? 0n))).toEqual([5n * PRICE, 3n * PRICE])
    const rows = (await site.books.lines()) as { payer: string; network?: string | null }[]
    const networkOf = ({ address }: LocalAccount) => rows.find(({ payer }) => payer === address)?.network
    expect(payers.map(networkOf)).toEqual([BASE, SEPOLIA, BASE, SEPOLIA])
  })

  it.each(['exact', 'channel'] as const)(
    'refuses a proof of %s for one network on the other, and moves nothing',
    async (scheme) => {
      const payer = site.payer()
      const { offers } = await offersOf('/crossed')
      const wire = scheme === 'exact' ? 'exact' : 'batch-settlement'
      for (const [from, to] of [
        [SEPOLIA, BASE],
        [BASE, SEPOLIA],
      ] as const) {
        const payment = await signed(scheme, from, payer, '/crossed')
        const offer = offers.find((one) => one.scheme === wire && one.network === to)
        const answer = await ask('/crossed', moved(payment, { ...offer }))
        expect([answer.status, await errorOf(answer)]).toEqual([402, expect.stringMatching(/^invalid_/)])
      }
      expect(await Promise.all([BASE, SEPOLIA].map((on) => held(on as Network, payer.address)))).toEqual([
        1_000_000_000n,
        1_000_000_000n,
      ])
    },
  )

  it('corrects a client on the second network with the offer of that network alone', async () => {
    const payer = site.payer()
    await buy('channel', SEPOLIA, payer, ['/warm/1', '/warm/2'])
    // A client without its state signs from the chain's total, and is corrected.
    const [receipt] = await buy('channel', SEPOLIA, payer, ['/cold'])
    expect(receipt?.extra?.channelState).toMatchObject({ chargedCumulativeAmount: `${3n * PRICE}` })
  })

  it('asks the oracle of each network about its own payers', async () => {
    const payer = site.payer()
    await base.sanction(payer.address, true)
    for (const scheme of ['exact', 'channel'] as const) {
      const answer = await ask('/listed', await signed(scheme, BASE, payer, '/listed'))
      expect([answer.status, await errorOf(answer)]).toEqual([403, 'tab_payer_refused'])
      await buy(scheme, SEPOLIA, payer, [`/clear/${scheme}`])
    }
  })

  it('sells on one network while the node of the other is down, and its watch goes on', async () => {
    await site.node.misbehave(
      ...['eth_chainId', 'eth_call', 'eth_getLogs', 'eth_sendRawTransaction', 'eth_blockNumber'].map(
        (method) => ({ method, does: 'drop' as const }),
      ),
    )
    try {
      await buy('exact', BASE, site.payer(), ['/alone/1'])
      await buy('channel', BASE, site.payer(), ['/alone/2', '/alone/3'])
      const payment = await signed('exact', SEPOLIA, site.payer(), '/alone/4')
      expect((await ask('/alone/4', payment)).status).toBe(503)
      const seen = async () => {
        const calls = (await (await fetch(`${front.url}/node`)).json()) as { method: string }[]
        return calls.filter(({ method }) => method === 'eth_getLogs').length
      }
      const before = await seen()
      await fire(site, WATCH).catch(() => undefined)
      expect(await seen()).toBeGreaterThan(before)
    } finally {
      await site.node.misbehave()
    }
  })
})
