/** The local chain: anvil as Base Sepolia, with our own USDC, escrow, collector and Multicall3 where the real ones stand. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { type Abi, encodeAbiParameters, encodeFunctionData, keccak256, stringToBytes } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import type { Address, Hex } from '../protocol/hex.ts'
import { type Child, startChild } from './child.ts'
import { type Artifact, compile } from './solidity.ts'

/** Base Sepolia's id: upstream clients pay only with assets they know, on chains they know. */
export const CHAIN_ID = 84532
export const USDC: Address = '0x036cbd53842c5426634e7929541ec2318f3dcf7e'
export const ESCROW: Address = '0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003'
export const COLLECTOR: Address = '0x4020806089470a89826cb9fb1f4059150b550004'
export const MULTICALL: Address = '0xca11bde05977b3631167028862be2a173976ca11'

/** Sends the mints, so that no test account's nonce moves but by what the tests themselves send. */
const MINTER: Address = '0x00000000000000000000000000000000000402fa'
const ETHER = 10n ** 18n

/** A key of the local chain with ether and USDC; made from a public phrase, worth nothing elsewhere. */
export type Account = { address: Address; privateKey: Hex }

export type LocalChain = {
  rpcUrl: string
  chainId: number
  usdc: Address
  escrow: Address
  collector: Address
  multicall: Address
  accounts: Account[]
  /** One JSON-RPC call, anvil's own methods included; throws with the node's message. */
  rpc(method: string, params?: unknown[]): Promise<unknown>
  /** New USDC in atomic units; settles when it is mined. */
  mint(to: Address, amount: bigint): Promise<void>
  stop(): Promise<void>
}

export type ChainOptions = {
  /** A free one unless given. */
  port?: number
  /** A file where the chain is kept, every second and at its end; one that exists is gone on with. */
  statePath?: string
  /** Seconds between blocks; without it every transaction is mined at once. */
  blockTime?: number
  /** How many accounts hold ether and USDC; 12 unless given. */
  accounts?: number
  /** USDC of each of them in atomic units; 1,000 USDC unless given. */
  balance?: bigint
}

/** Starts a chain on 127.0.0.1 and puts in place what is not there yet. The chain ends with this process, however that ends. */
export async function startChain(options: ChainOptions = {}): Promise<LocalChain> {
  const artifacts = compile(fileURLToPath(new URL('./contracts', import.meta.url)))
  const node = await startNode(options)
  try {
    const { rpcUrl } = node
    const rpc = (method: string, params: unknown[] = []) => call(rpcUrl, method, params)
    // A port may be a stranger's: nothing is written before the node has said which chain it is.
    const chainId = Number(await rpc('eth_chainId'))
    if (chainId !== CHAIN_ID) throw new Error(`${rpcUrl} is chain ${chainId}, not ${CHAIN_ID}`)

    const accounts = makeAccounts(options.accounts ?? 12)
    const { Usdc: usdc, ...rest } = await artifacts
    if (usdc === undefined) throw new Error('no contract Usdc among the sources')
    const fresh = (await rpc('eth_getCode', [ESCROW, 'latest'])) === '0x'
    if (fresh) await furnish(rpc, { ...rest, Usdc: usdc }, accounts, options.balance ?? 1_000_000_000n)
    if (options.blockTime !== undefined) await rpc('evm_setIntervalMining', [options.blockTime])
    return {
      rpcUrl,
      chainId,
      usdc: USDC,
      escrow: ESCROW,
      collector: COLLECTOR,
      multicall: MULTICALL,
      accounts,
      rpc,
      mint: (to, amount) => mint(rpc, usdc.abi, [to], amount),
      stop: () => node.child.stop(),
    }
  } catch (cause) {
    await node.child.stop()
    throw cause
  }
}

type Rpc = LocalChain['rpc']

/** The node names the port it listens on: no port is guessed free, and no stranger answers for ours. */
async function startNode({ port = 0, statePath }: ChainOptions): Promise<{ rpcUrl: string; child: Child }> {
  const args = ['--host', '127.0.0.1', '--port', `${port}`, '--chain-id', `${CHAIN_ID}`, '--accounts', '0']
  args.push('--auto-impersonate', '--hardfork', 'prague')
  if (statePath !== undefined) args.push('--state', statePath, '--state-interval', '1')
  const child = await startChild(binary(), args)
  let printed = ''
  const rpcUrl = await new Promise<string>((resolve, reject) => {
    child.onOutput((text) => {
      printed += text
      const address = /Listening on (\S+)/.exec(printed)?.[1]
      if (address !== undefined) resolve(`http://${address}`)
    })
    child.ended.then(() => reject(new Error(`the chain did not start: ${printed}`)))
  })
  // From here on it would print a line for each call.
  await call(rpcUrl, 'anvil_setLoggingEnabled', [false])
  return { rpcUrl, child }
}

function binary(): string {
  const { platform, arch } = process
  const name = `@foundry-rs/anvil-${platform}-${arch === 'x64' ? 'amd64' : arch}`
  return createRequire(import.meta.url).resolve(`${name}/bin/anvil${platform === 'win32' ? '.exe' : ''}`)
}

async function furnish(
  rpc: Rpc,
  artifacts: Record<string, Artifact> & { Usdc: Artifact },
  accounts: Account[],
  balance: bigint,
): Promise<void> {
  const {
    Usdc: usdc,
    BatchSettlement: escrow,
    Erc3009DepositCollector: collector,
    Multicall3: multicall,
  } = artifacts
  if (escrow === undefined || collector === undefined || multicall === undefined) {
    throw new Error('a contract is missing among the sources')
  }
  // A constructor returns the code it would leave behind, with its immutables in place: a call is enough to have it.
  const settlement = encodeAbiParameters([{ type: 'address' }], [ESCROW]).slice(2)
  const collectorCode = await rpc('eth_call', [{ data: `${collector.creation}${settlement}` }, 'latest'])
  await Promise.all([
    rpc('anvil_setCode', [USDC, usdc.runtime]),
    rpc('anvil_setCode', [COLLECTOR, collectorCode]),
    rpc('anvil_setCode', [MULTICALL, multicall.runtime]),
    ...[MINTER, ...accounts.map(({ address }) => address)].map((address) =>
      rpc('anvil_setBalance', [address, `0x${(10_000n * ETHER).toString(16)}`]),
    ),
  ])
  await mint(
    rpc,
    usdc.abi,
    accounts.map(({ address }) => address),
    balance,
  )
  // Last: where the escrow stands, all else does, even when a start was cut short.
  await rpc('anvil_setCode', [ESCROW, escrow.runtime])
}

async function mint(rpc: Rpc, abi: Abi, receivers: Address[], amount: bigint): Promise<void> {
  const hashes = await Promise.all(
    receivers.map((to) => {
      const data = encodeFunctionData({ abi, functionName: 'mint', args: [to, amount] })
      return rpc('eth_sendTransaction', [{ from: MINTER, to: USDC, data }])
    }),
  )
  await Promise.all(hashes.map((hash) => mined(rpc, hash)))
}

async function mined(rpc: Rpc, hash: unknown): Promise<void> {
  while ((await rpc('eth_getTransactionReceipt', [hash])) === null) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function makeAccounts(count: number): Account[] {
  return Array.from({ length: count }, (_, index) => {
    const privateKey = keccak256(stringToBytes(`tab402 local chain, account ${index}`))
    return { address: privateKeyToAddress(privateKey).toLowerCase() as Address, privateKey }
  })
}

async function call(rpcUrl: string, method: string, params: unknown[]): Promise<unknown> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const answer = (await response.json()) as { result?: unknown; error?: { message: string; data?: unknown } }
  if (answer.error !== undefined)
    throw new Error(`${method}: ${answer.error.message}`, { cause: answer.error })
  return answer.result
}
