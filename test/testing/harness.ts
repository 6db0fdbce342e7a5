/** Calls the contracts of a local chain from tests: reads, sends from any address, and returns the error of a call. */
import {
  type Abi,
  BaseError,
  type Client,
  ContractFunctionRevertedError,
  createClient,
  type Hex,
  http,
  parseEventLogs,
} from 'viem'
import { getBlock, getTransactionReceipt, readContract, simulateContract, writeContract } from 'viem/actions'
import { baseSepolia } from 'viem/chains'
import type { Address } from '../../src/protocol/evm/hex.ts'
import {
  ESCROW,
  type LocalAccount,
  type LocalChain,
  startChain,
  USDC,
} from '../../src/testing/chain/chain.ts'
import { COLLECTOR_ABI, ESCROW_ABI, USDC_ABI, WALLET_ABI } from './abi.ts'

const ABI: Abi = [...ESCROW_ABI, ...USDC_ABI, ...COLLECTOR_ABI, ...WALLET_ABI]

export const ZERO: Address = '0x0000000000000000000000000000000000000000'

/** One chain and four of its accounts, each in one role. */
export type Rig = {
  chain: LocalChain
  client: Client
  payer: LocalAccount
  receiver: LocalAccount
  authorizer: LocalAccount
  stranger: LocalAccount
}

export async function startRig(): Promise<Rig> {
  const chain = await startChain()
  const [payer, receiver, authorizer, stranger] = chain.accounts
  if (!payer || !receiver || !authorizer || !stranger) throw new Error('the local chain has too few accounts')
  return { ...reach(chain), payer, receiver, authorizer, stranger }
}

/** A chain with a client of it. */
export type Reach = Pick<Rig, 'chain' | 'client'>

/** A client of a chain that runs already. */
export function reach(chain: LocalChain): Reach {
  const transport = http(chain.rpcUrl)
  return { chain, client: createClient({ chain: baseSepolia, transport, pollingInterval: 20 }) }
}

/** Sends a call from any account, and waits until it is mined; returns its events and gas. Throws if it reverts. */
export async function send(
  rig: Reach,
  from: Address,
  functionName: string,
  args: unknown[],
  to: Address = ESCROW,
) {
  const { client } = rig
  const hash = await writeContract(client, {
    account: from,
    chain: baseSepolia,
    address: to,
    abi: ABI,
    functionName,
    args,
  })
  const receipt = await receiptOf(rig, hash)
  if (receipt.status !== 'success') throw new Error(`${functionName} reverted`)
  const logs = parseEventLogs({ abi: ESCROW_ABI, logs: receipt.logs.filter((log) => log.address === ESCROW) })
  return { events: logs.map(({ eventName, args }) => ({ eventName, args })), gasUsed: receipt.gasUsed }
}

/** Polls for the receipt: viem polls once a block, but a chain that mines on demand may mine none. */
export async function receiptOf({ chain, client }: Reach, hash: Hex) {
  while ((await chain.rpc('eth_getTransactionReceipt', [hash])) === null) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return getTransactionReceipt(client, { hash })
}

/** The name or the message of the error with which a call would revert; `null` if it would succeed. */
export async function refusal(
  rig: Rig,
  from: Address,
  functionName: string,
  args: unknown[],
  to: Address = ESCROW,
): Promise<string | null> {
  try {
    await simulateContract(rig.client, { account: from, address: to, abi: ABI, functionName, args })
    return null
  } catch (cause) {
    const reverted =
      cause instanceof BaseError && cause.walk((error) => error instanceof ContractFunctionRevertedError)
    if (!(reverted instanceof ContractFunctionRevertedError)) throw cause
    return reverted.reason ?? reverted.data?.errorName ?? reverted.signature ?? 'unknown error'
  }
}

/** The state of a channel in the escrow. */
export async function readChannel({ client }: Rig, id: Hex) {
  const at = { address: ESCROW, abi: ESCROW_ABI, args: [id] } as const
  const [balance, totalClaimed] = await readContract(client, { ...at, functionName: 'channels' })
  const [pending, initiatedAt] = await readContract(client, { ...at, functionName: 'pendingWithdrawals' })
  const nonce = await readContract(client, { ...at, functionName: 'refundNonce' })
  return { balance, totalClaimed, pending, initiatedAt, nonce }
}

export async function balanceOf({ client }: Rig, account: Address): Promise<bigint> {
  return readContract(client, { address: USDC, abi: USDC_ABI, functionName: 'balanceOf', args: [account] })
}

/** Sets the chain's clock to a second and mines a block, so that the next call reads it. */
export async function warpTo({ chain }: Rig, second: number): Promise<void> {
  await chain.rpc('evm_setNextBlockTimestamp', [second])
  await chain.rpc('evm_mine')
}

/** Moves the chain's clock forward. */
export async function warp(rig: Rig, seconds: number): Promise<void> {
  await warpTo(rig, Number(await now(rig)) + seconds)
}

/** The time of the latest block, in seconds. */
export async function now({ client }: Rig): Promise<bigint> {
  return (await getBlock(client)).timestamp
}

/** Puts a contract at a fixed address, after running its constructor. */
export async function place(rig: Rig, creation: Hex, address: Address): Promise<void> {
  const code = await rig.chain.rpc('eth_call', [{ data: creation }, 'latest'])
  await rig.chain.rpc('anvil_setCode', [address, code])
}
