import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient, createTestClient, http } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { getBalance, getBlock, getBlockNumber, getCode, readContract } from 'viem/actions'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MULTICALL } from '../../src/chain/multicall.ts'
import type { Address } from '../../src/protocol/evm/hex.ts'
import {
  type ChainOptions,
  COLLECTOR,
  ESCROW,
  type LocalChain,
  startChain,
  USDC,
} from '../../src/testing/chain/chain.ts'
import { COLLECTOR_ABI, USDC_ABI } from './abi.ts'

let started: LocalChain[] = []
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chain-'))
})
afterEach(async () => {
  await Promise.all(started.map((chain) => chain.stop()))
  started = []
  await rm(folder, { recursive: true })
})

async function start(options: ChainOptions = {}): Promise<LocalChain> {
  const chain = await startChain(options)
  started.push(chain)
  return chain
}

function clientOf({ rpcUrl }: { rpcUrl: string }) {
  return createClient({ transport: http(rpcUrl, { retryCount: 0 }) })
}

async function usdcOf(chain: { rpcUrl: string }, account: Address): Promise<bigint> {
  const args = [account] as const
  return readContract(clientOf(chain), { address: USDC, abi: USDC_ABI, functionName: 'balanceOf', args })
}

async function answers(rpcUrl: string): Promise<boolean> {
  return getBlockNumber(clientOf({ rpcUrl })).then(
    () => true,
    () => false,
  )
}

/** Waits until the URL no longer answers, at most until the test's timeout. */
async function gone(rpcUrl: string): Promise<void> {
  while (await answers(rpcUrl)) await new Promise((resolve) => setTimeout(resolve, 20))
}

describe('local chain', () => {
  let chain: LocalChain
  beforeAll(async () => {
    chain = await startChain()
  })
  afterAll(() => chain.stop())

  it('has the chain id of Base Sepolia', async () => {
    expect(await chain.rpc('eth_chainId')).toBe('0x14a34')
  })

  it('has the contracts at their real addresses', async () => {
    for (const address of [USDC, ESCROW, COLLECTOR, MULTICALL]) {
      expect((await getCode(clientOf(chain), { address }))?.length).toBeGreaterThan(1_000)
    }
  })

  it('has a collector for the escrow', async () => {
    const at = { address: COLLECTOR, abi: COLLECTOR_ABI } as const
    const escrow = await readContract(clientOf(chain), { ...at, functionName: 'x402BatchSettlement' })
    expect(escrow.toLowerCase()).toBe(ESCROW)
  })

  it('has at least ten accounts with ether, a thousand USDC and a key', async () => {
    expect(chain.accounts.length).toBeGreaterThanOrEqual(10)
    for (const { address, privateKey } of chain.accounts) {
      expect(privateKeyToAddress(privateKey).toLowerCase()).toBe(address)
      expect(await getBalance(clientOf(chain), { address })).toBe(10_000n * 10n ** 18n)
      expect(await usdcOf(chain, address)).toBe(1_000_000_000n)
    }
  })

  it('mints many times at once', async () => {
    const to: Address = '0x00000000000000000000000000000000000000aa'
    await Promise.all(Array.from({ length: 20 }, () => chain.mint(to, 5n)))
    expect(await usdcOf(chain, to)).toBe(100n)
  })

  it('uses no nonce of an account at its start', async () => {
    for (const { address } of chain.accounts) {
      expect(await chain.rpc('eth_getTransactionCount', [address, 'latest'])).toBe('0x0')
    }
  })

  it('mines at intervals if a block time is set', async () => {
    const chain = await start({ accounts: 1, blockTime: 1 })
    const before = await getBlockNumber(clientOf(chain))
    while ((await getBlockNumber(clientOf(chain))) < before + 2n)
      await new Promise((go) => setTimeout(go, 100))
    await chain.mint(ESCROW, 1n)
    expect(await usdcOf(chain, ESCROW)).toBe(1n)
  })

  it('shares no state with a second chain', async () => {
    const other = await start({ accounts: 1 })
    await chain.mint(MULTICALL, 1n)
    expect(other.rpcUrl).not.toBe(chain.rpcUrl)
    expect(await usdcOf(other, MULTICALL)).toBe(0n)
  })

  it('rejects a port that is in use', async () => {
    const other = createServer((_, response) => response.end('{"result":"0x14a34"}'))
    await once(other.listen(0, '127.0.0.1'), 'listening')
    const { port } = other.address() as AddressInfo
    await expect(start({ port })).rejects.toThrow(/did not start/)
    await new Promise((resolve) => other.close(resolve))
  })

  it('names the failed call in its error', async () => {
    await expect(chain.rpc('no_such_method')).rejects.toThrow(/^no_such_method: /)
  })
})

describe('stopped local chain', () => {
  it('no longer answers', async () => {
    const chain = await start({ accounts: 1 })
    await chain.stop()
    expect(await answers(chain.rpcUrl)).toBe(false)
  })

  it('can be stopped twice', async () => {
    const chain = await start({ accounts: 1 })
    await Promise.all([chain.stop(), chain.stop()])
  })

  it('continues from its state path', async () => {
    const statePath = join(folder, 'state.json')
    const first = await start({ statePath, accounts: 2 })
    await first.mint(ESCROW, 7n)
    const block = await getBlockNumber(clientOf(first))
    await first.stop()
    const second = await start({ statePath, accounts: 2 })
    expect(await usdcOf(second, ESCROW)).toBe(7n)
    expect(await getBlockNumber(clientOf(second))).toBe(block)
  })

  it('keeps its transactions in its state path', async () => {
    const statePath = join(folder, 'state.json')
    const first = await start({ statePath, accounts: 1 })
    await first.mint(ESCROW, 7n)
    const { transactions } = await getBlock(clientOf(first))
    await first.stop()
    const second = await start({ statePath, accounts: 1 })
    expect(await second.rpc('eth_getTransactionReceipt', [transactions[0]])).toMatchObject({ status: '0x1' })
  })

  it('keeps its moved clock in its state path', async () => {
    const statePath = join(folder, 'state.json')
    const first = await start({ statePath, accounts: 1 })
    await first.rpc('evm_increaseTime', [86_400])
    await first.mint(ESCROW, 1n)
    const { timestamp } = await getBlock(clientOf(first))
    await first.stop()
    const second = await start({ statePath, accounts: 1 })
    await second.mint(ESCROW, 1n)
    expect((await getBlock(clientOf(second))).timestamp).toBeGreaterThanOrEqual(timestamp)
  })
})

describe('local chain whose parent process is killed', () => {
  async function startApart(statePath?: string) {
    const script = fileURLToPath(new URL('./starter.ts', import.meta.url))
    const args = [
      '--disable-warning=ExperimentalWarning',
      script,
      ...(statePath === undefined ? [] : [statePath]),
    ]
    const starter = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(starter.stdout.setEncoding('utf8'), 'data')
    return { starter, rpcUrl: String(line).trim() }
  }

  it('ends with its parent', async () => {
    const { starter, rpcUrl } = await startApart()
    expect(await answers(rpcUrl)).toBe(true)
    starter.kill('SIGKILL')
    await gone(rpcUrl)
  })

  it('keeps all state mined before', async () => {
    const statePath = join(folder, 'state.json')
    const { starter, rpcUrl } = await startApart(statePath)
    const tester = createTestClient({ mode: 'anvil', transport: http(rpcUrl) })
    await tester.setBalance({ address: ESCROW, value: 42n })
    starter.kill('SIGKILL')
    await gone(rpcUrl)
    const next = await start({ statePath })
    expect(await next.rpc('eth_getBalance', [ESCROW, 'latest'])).toBe('0x2a')
  })
})
