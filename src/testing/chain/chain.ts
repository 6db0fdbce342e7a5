/** The local chain: anvil as Base Sepolia or another known network, with our own USDC, escrow, collector and Multicall3 where the real ones stand. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { encodeAbiParameters, encodeFunctionData, keccak256, parseAbi, stringToBytes } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { ARB_SYS, MULTICALL } from '../../chain/multicall.ts'
import { type Address, type Hex, toHex } from '../../protocol/evm/hex.ts'
import { networks } from '../../protocol/evm/network.ts'
import { type Child, startChild } from '../stack/child.ts'
import { type Artifact, type Artifacts, compile } from './solidity.ts'

/** Base Sepolia's id, unless another is asked for: upstream clients pay only with assets they know, on chains they know. */
export const CHAIN_ID = 84532
export const USDC: Address = '0x036cbd53842c5426634e7929541ec2318f3dcf7e'
export const ESCROW: Address = '0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003'
export const COLLECTOR: Address = '0x4020806089470a89826cb9fb1f4059150b550004'

/** The sanctions oracle: our own contract, where the public one stands on most networks. */
export const ORACLE: Address = '0x40c57923924b5c5c5455c48d93317139addac8fb'

/** The Worker's settings of gas for this chain, where gas takes a hundred times as much of the native token as on Base. */
export const GAS_VARS = { NATIVE_PRICE: '1', GAS_PER_PAYER: '10', GAS_NEW_PAYERS: '1000' }

/** The sources of all that stands on the chain. */
export const CONTRACTS = fileURLToPath(new URL('./contracts', import.meta.url))

/** NUMBER, stored and returned: the one answer of Arbitrum's precompile that is asked for. */
const RETURN_BLOCK_NUMBER = '0x4360005260206000f3'

const LIST = parseAbi(['function list(address account, bool isListed)'])
const MINT = parseAbi(['function mint(address to, uint256 value)'])
/** 10,000 ether. */
const ETHER_EACH = `0x${(10_000n * 10n ** 18n).toString(16)}`

/** A key of the local chain with ether and USDC; made from a public phrase, worth nothing elsewhere. */
export type LocalAccount = { address: Address; privateKey: Hex }

export type LocalChain = {
  rpcUrl: string
  chainId: number
  usdc: Address
  escrow: Address
  collector: Address
  multicall: Address
  accounts: LocalAccount[]
  /** One JSON-RPC call, anvil's own methods included; throws with the node's message. */
  rpc(method: string, params?: unknown[]): Promise<unknown>
  /** Gives an account ether for gas, and USDC in atomic units; settles when both are there. */
  fund(account: Address, amount: bigint): Promise<void>
  /** New USDC in atomic units; settles when it is mined. */
  mint(to: Address, amount: bigint): Promise<void>
  /** Puts an address on the sanctions oracle's list, or takes it off; settles when it is mined. */
  sanction(account: Address, isListed: boolean): Promise<void>
  stop(): Promise<void>
}

export type ChainOptions = {
  /** The id of a known network; Base Sepolia unless given. */
  chainId?: number
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
  /** The time of its first block in Unix seconds; now unless given. Its clock runs on from there. */
  startsAt?: number
  /** A folder of the caller that is removed when the chain has ended, also after this process was killed. */
  scratch?: string
}

/** Starts a chain on 127.0.0.1 and puts in place what is not there yet. The chain ends with this process, however that ends. */
export async function startChain(options: ChainOptions = {}): Promise<LocalChain> {
  const { chainId: wanted = CHAIN_ID } = options
  const usdc = networks.get(`eip155:${wanted}`)?.usdc.address
  if (!usdc) throw new Error(`chain ${wanted} must be a known network`)
  const artifacts = await compile(CONTRACTS)
  const node = await startNode(options)
  try {
    const { rpcUrl } = node
    const rpc = (method: string, params: unknown[] = []) => call(rpcUrl, method, params)
    // A port may be a stranger's: nothing is written before the node has said which chain it is.
    const chainId = Number(await rpc('eth_chainId'))
    if (chainId !== wanted) throw new Error(`${rpcUrl} is chain ${chainId}, not ${wanted}`)

    const accounts = makeAccounts(options.accounts ?? 12)
    const fresh = (await rpc('eth_getCode', [ESCROW, 'latest'])) === '0x'
    if (fresh) await furnish(rpc, artifacts, { usdc, accounts, balance: options.balance ?? 1_000_000_000n })
    else await catchUp(rpc)
    // A chain that an earlier version kept may lack it.
    await rpc('anvil_setCode', [ORACLE, pick(artifacts, 'SanctionsOracle').runtime])
    if (options.blockTime !== undefined) await rpc('evm_setIntervalMining', [options.blockTime])
    return {
      rpcUrl,
      chainId,
      usdc,
      escrow: ESCROW,
      collector: COLLECTOR,
      multicall: MULTICALL,
      accounts,
      rpc,
      async fund(account, amount) {
        await rpc('anvil_setBalance', [account, ETHER_EACH])
        if (amount > 0n) await mint(rpc, usdc, account, amount)
      },
      mint: (to, amount) => mint(rpc, usdc, to, amount),
      sanction: (account, isListed) => sanction(rpc, account, isListed),
      stop: () => node.child.stop(),
    }
  } catch (cause) {
    await node.child.stop()
    throw cause
  }
}

type Rpc = LocalChain['rpc']

/** The node names the port it listens on: no port is guessed free, and no stranger answers for ours. */
async function startNode({
  port = 0,
  statePath,
  chainId = CHAIN_ID,
  startsAt,
  scratch,
}: ChainOptions): Promise<{ rpcUrl: string; child: Child }> {
  const args = ['--host', '127.0.0.1', '--port', `${port}`, '--chain-id', `${chainId}`, '--accounts', '0']
  // The fork is named, so that a newer node does not bring newer rules.
  args.push('--auto-impersonate', '--hardfork', 'prague')
  if (startsAt !== undefined) args.push('--timestamp', `${startsAt}`)
  if (statePath !== undefined) args.push('--state', statePath, '--state-interval', '1')
  const child = await startChild(binary(), args, undefined, scratch)
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
  // The platform's package is a dependency of anvil's own, so only anvil can be sure to find it.
  const anvil = createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json')
  return createRequire(anvil).resolve(`${name}/bin/anvil${platform === 'win32' ? '.exe' : ''}`)
}

/** Contracts, ether and USDC; safe to do again over what an interrupted start left. */
async function furnish(
  rpc: Rpc,
  artifacts: Artifacts,
  { usdc, accounts, balance }: { usdc: Address; accounts: LocalAccount[]; balance: bigint },
): Promise<void> {
  // A constructor returns the code it would leave behind, with its immutables in place: a call is enough to have it.
  const settlement = encodeAbiParameters([{ type: 'address' }], [ESCROW]).slice(2)
  const creation = pick(artifacts, 'Erc3009DepositCollector').creation
  const collectorCode = await rpc('eth_call', [{ data: `${creation}${settlement}` }, 'latest'])
  await Promise.all([
    rpc('anvil_setCode', [usdc, pick(artifacts, 'Usdc').runtime]),
    rpc('anvil_setCode', [COLLECTOR, collectorCode]),
    rpc('anvil_setCode', [MULTICALL, pick(artifacts, 'Multicall3').runtime]),
    rpc('anvil_setCode', [ARB_SYS, RETURN_BLOCK_NUMBER]),
  ])
  await Promise.all(accounts.map(({ address }) => rpc('anvil_setBalance', [address, ETHER_EACH])))
  await Promise.all(accounts.map(({ address }) => mint(rpc, usdc, address, balance)))
  // Last: where the escrow stands, all else does, even when a start was cut short.
  await rpc('anvil_setCode', [ESCROW, pick(artifacts, 'BatchSettlement').runtime])
}

/** A kept chain whose clock was moved on must not go on in its own past: the node stores its blocks, not its clock. */
async function catchUp(rpc: Rpc): Promise<void> {
  const block = v.parse(
    v.object({ timestamp: v.string() }),
    await rpc('eth_getBlockByNumber', ['latest', false]),
  )
  const ahead = Number(block.timestamp) - Math.floor(Date.now() / 1000)
  if (ahead > 0) await rpc('evm_increaseTime', [ahead])
}

function pick(artifacts: Artifacts, name: string): Artifact {
  const artifact = artifacts[name]
  if (artifact === undefined) throw new Error(`no contract ${name} among the sources`)
  return artifact
}

async function mint(rpc: Rpc, usdc: Address, to: Address, amount: bigint): Promise<void> {
  await send(rpc, usdc, encodeFunctionData({ abi: MINT, args: [to, amount] }))
}

async function sanction(rpc: Rpc, account: Address, isListed: boolean): Promise<void> {
  await send(rpc, ORACLE, encodeFunctionData({ abi: LIST, args: [account, isListed] }))
}

/** Each transaction has a sender of its own: no nonce is shared between several at once, and none of a test account moves. */
async function send(rpc: Rpc, to: Address, data: Hex): Promise<void> {
  const from = toHex(crypto.getRandomValues(new Uint8Array(20)))
  await rpc('anvil_setBalance', [from, ETHER_EACH])
  const hash = await rpc('eth_sendTransaction', [{ from, to, data }])
  while ((await rpc('eth_getTransactionReceipt', [hash])) === null) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** New USDC in atomic units, on a chain that another process has started; settles when it is mined. */
export function mintOn(rpcUrl: string, usdc: Address, to: Address, amount: bigint): Promise<void> {
  return mint((method, params = []) => call(rpcUrl, method, params), usdc, to, amount)
}

function makeAccounts(count: number): LocalAccount[] {
  return Array.from({ length: count }, (_, index) => localAccount(`tab402 local chain, account ${index}`))
}

/** The account whose key is made from a phrase. */
export function localAccount(phrase: string): LocalAccount {
  const privateKey = keccak256(stringToBytes(phrase))
  return { address: privateKeyToAddress(privateKey).toLowerCase() as Address, privateKey }
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
