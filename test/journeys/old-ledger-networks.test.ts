/** The ledger of an earlier version, opened on two networks: its channels settle on their own, and nothing crosses. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPublicClient, http, parseAbi } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operatorClient } from '../../src/cli/demo/clients.ts'
import { nextMidnight, runNightly } from '../../src/cli/demo/nightly.ts'
import { type LocalChain, startChain } from '../../src/testing/chain/chain.ts'
import { freePort } from '../../src/testing/stack/billing.ts'
import { type Stack, startStack } from '../../src/testing/stack/stack.ts'
import { channelFetch } from '../upstream.ts'

/** As in old-ledger.test.ts: one of its channels has 7 pages claimed and 3 not. A page costs 1000 micro-dollars. */
const FIXTURE = fileURLToPath(new URL('../fixtures/ledger-7dbd8b1.tar.gz', import.meta.url))
const UNCLAIMED = '0x1f3bb20ec45631b73412722d73ddef54631af32ab5381eb87e21d94ab7935cee'

const [BASE, SEPOLIA] = ['eip155:8453', 'eip155:84532'] as const
const BALANCE = parseAbi(['function balanceOf(address) view returns (uint256)'])

describe('ledger that version 0.1.0 wrote, with NETWORK as a list', { timeout: 120_000 }, () => {
  let directory = ''
  let base: LocalChain
  let stack: Stack

  const api = async (path: string) => {
    const { url, token } = stack.operator
    return (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })).json()
  }
  /** The receiver's USDC on Base and on Base Sepolia. */
  const received = () =>
    Promise.all(
      [base, { rpcUrl: stack.rpc, usdc: stack.usdc }].map(({ rpcUrl, usdc }) =>
        createPublicClient({ transport: http(rpcUrl) }).readContract({
          address: usdc,
          abi: BALANCE,
          functionName: 'balanceOf',
          args: [stack.receiver],
        }),
      ),
    )

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tab402-old-networks-'))
    execFileSync('tar', ['-xzf', FIXTURE, '-C', directory])
    base = await startChain({ chainId: 8453 })
    const chainPort = await freePort()
    const nodes = { [BASE]: base.rpcUrl, [SEPOLIA]: `http://127.0.0.1:${chainPort}` }
    // Two schemes, so that the offers of both networks fit into the header.
    const SCHEMES = JSON.stringify(['channel', 'credit'])
    const vars = { NETWORK: JSON.stringify([BASE, SEPOLIA]), RPC_URL: JSON.stringify(nodes), SCHEMES }
    stack = await startStack({ stateDir: directory, chainPort, vars })
  }, 60_000)
  afterAll(async () => {
    await stack.stop()
    await base.stop()
    await rm(directory, { recursive: true })
  })

  it('settles its channels on the network that they were opened on, beside new ones on the other', async () => {
    const before = await received()
    const page = `${stack.url}${stack.paths.charged}`
    const [, payer] = stack.accounts
    if (!payer) throw new Error('there must be a payer')
    const headers = { 'user-agent': 'ExampleBot/1.0 (+https://crawler.example)' }
    const onBase = channelFetch(fetch, payer, base.rpcUrl, BASE).fetch
    expect((await onBase(page, { headers })).status).toBe(200)
    expect(await api(`/accounts/${UNCLAIMED}`)).toMatchObject({
      network: SEPOLIA,
      standing: { charged: '10000', redeemed: '7000' },
    })

    const { settlement } = await runNightly(stack, operatorClient(stack), nextMidnight(Date.now()))
    const { status, record } = settlement
    expect({ status, record }).toMatchObject({
      status: 'settled',
      record: { claimed: '4000', swept: '4000' },
    })
    const list: { kind: string; network?: string }[] = record.transactions.list
    expect(list.map(({ kind, network }) => `${kind} ${network}`).toSorted()).toEqual([
      `claim ${BASE}`,
      `claim ${SEPOLIA}`,
      `sweep ${BASE}`,
      `sweep ${SEPOLIA}`,
    ])
    const after = await received()
    expect(after.map((sum, at) => sum - (before[at] ?? 0n))).toEqual([1_000n, 3_000n])
    expect(await api(`/accounts/${UNCLAIMED}`)).toMatchObject({ standing: { redeemed: '10000' } })
    const { accounts } = (await api('/accounts')) as { accounts: { kind: string; network: string | null }[] }
    const channels = accounts.filter(({ kind }) => kind === 'channel').map(({ network }) => network)
    expect(channels.toSorted()).toEqual([BASE, SEPOLIA, SEPOLIA])
  })

  it('accepts a voucher of an old channel on its own network alone', async () => {
    const page = `${stack.url}${stack.paths.charged}`
    // The client of the fixture: it holds no state, and asks the chain for its channel.
    const [, payer] = stack.accounts
    if (!payer) throw new Error('there must be a payer')
    const headers = { 'user-agent': 'ExampleBot/1.0 (+https://crawler.example)' }
    const before = await api(`/accounts/${UNCLAIMED}`)
    const paid = await channelFetch(fetch, payer, stack.rpc, SEPOLIA).fetch(page, { headers })
    expect(paid.status).toBe(200)
    expect(before).toMatchObject({ standing: { charged: '10000' } })
    expect(await api(`/accounts/${UNCLAIMED}`)).toMatchObject({ standing: { charged: '11000' } })
  })
})
