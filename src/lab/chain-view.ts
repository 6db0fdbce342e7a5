/** Reads the lab’s chain past the Worker: wallets, channels and transfers. Amounts in micro-dollars. */
import { decodeFunctionResult, encodeFunctionData, parseAbi, toEventSelector } from 'viem'
import type { Address, Hex } from '../protocol/evm/hex.ts'
import type { LocalChain } from '../testing/chain/chain.ts'
import type { BookChannel } from './books.ts'

const TOKEN = parseAbi([
  'function balanceOf(address) view returns (uint256)',
  'function totalSupply() view returns (uint256)',
])
const ESCROW = parseAbi([
  'function channels(bytes32 channelId) view returns (uint128 balance, uint128 totalClaimed)',
  'function pendingWithdrawals(bytes32 channelId) view returns (uint128 amount, uint40 initiatedAt)',
])
const TRANSFER = toEventSelector('Transfer(address,address,uint256)')
const AUTHORIZATION_USED = toEventSelector('AuthorizationUsed(address,bytes32)')

/** USDC of an address. */
export async function holds(chain: LocalChain, owner: Address): Promise<bigint> {
  const data = encodeFunctionData({ abi: TOKEN, functionName: 'balanceOf', args: [owner] })
  return BigInt(await call(chain, chain.usdc, data))
}

/** All USDC that was ever minted and not burnt. */
export async function supply(chain: LocalChain): Promise<bigint> {
  return BigInt(
    await call(chain, chain.usdc, encodeFunctionData({ abi: TOKEN, functionName: 'totalSupply' })),
  )
}

/** A channel as the escrow has it; zeros for one that was never opened. */
export async function channelOn(chain: LocalChain, id: Hex): Promise<BookChannel> {
  const read = async (functionName: 'channels' | 'pendingWithdrawals') =>
    decodeFunctionResult({
      abi: ESCROW,
      functionName,
      data: await call(chain, chain.escrow, encodeFunctionData({ abi: ESCROW, functionName, args: [id] })),
    })
  const [[balance, claimed], [, initiatedAt]] = await Promise.all([
    read('channels'),
    read('pendingWithdrawals'),
  ])
  return { balance, claimed: BigInt(claimed), withdrawsSince: Number(initiatedAt) || null }
}

type Log = { topics: Hex[]; data: Hex; transactionHash: Hex }

/** The USDC that some receivers were sent, by sender, in lower case. */
export async function sentTo(chain: LocalChain, to: readonly Address[]): Promise<Map<string, bigint>> {
  const sums = new Map<string, bigint>()
  for (const { topics, data } of await logsOf(chain, [TRANSFER, null, to.map(padded)])) {
    const from = addressIn(topics[1])
    sums.set(from, (sums.get(from) ?? 0n) + BigInt(data))
  }
  return sums
}

/** The nonces of authorizations that have moved USDC to some receivers, by payer, in lower case. */
export async function usedFor(chain: LocalChain, to: readonly Address[]): Promise<Map<string, string[]>> {
  const [transfers, uses] = await Promise.all([
    logsOf(chain, [TRANSFER, null, to.map(padded)]),
    logsOf(chain, [AUTHORIZATION_USED]),
  ])
  const moved = new Set(
    transfers.map(({ topics, transactionHash }) => `${transactionHash} ${addressIn(topics[1])}`),
  )
  const nonces = new Map<string, string[]>()
  for (const { topics, transactionHash } of uses) {
    const payer = addressIn(topics[1])
    if (moved.has(`${transactionHash} ${payer}`))
      nonces.set(payer, [...(nonces.get(payer) ?? []), topics[2] ?? ''])
  }
  return nonces
}

async function logsOf({ rpc, usdc }: LocalChain, topics: unknown[]): Promise<Log[]> {
  const filter = { address: usdc, fromBlock: '0x0', toBlock: 'latest', topics }
  return (await rpc('eth_getLogs', [filter])) as Log[]
}

function addressIn(topic = ''): string {
  return `0x${topic.slice(-40)}`
}

function padded(address: Address): Hex {
  return `0x${address.slice(2).padStart(64, '0')}`
}

async function call({ rpc }: LocalChain, to: Address, data: Hex): Promise<Hex> {
  return (await rpc('eth_call', [{ to, data }, 'latest'])) as Hex
}
