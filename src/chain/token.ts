/** The stablecoin: ERC-20 and EIP-3009, as USDC has them. */
import {
  decodeFunctionResult,
  encodeFunctionData,
  pad,
  parseAbi,
  parseSignature,
  toEventSelector,
} from 'viem'
import type { Address, Hex } from '../protocol/hex.ts'
import type { ExactPayment } from './facilitator.ts'
import type { Chain, Tag } from './rpc.ts'
import { connect, readAt } from './rpc.ts'
import type { Log } from './transaction.ts'

export const tokenAbi = parseAbi([
  'function balanceOf(address account) view returns (uint256)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
])

const TRANSFER = toEventSelector('Transfer(address,address,uint256)')
const AUTHORIZATION_USED = toEventSelector('AuthorizationUsed(address,bytes32)')
const AUTHORIZATION_CANCELED = toEventSelector('AuthorizationCanceled(address,bytes32)')

// Nodes refuse longer ranges. Some five hours on Base.
const BLOCKS_SEARCHED = 9_000n

/** What the token says of a payer and one authorization of theirs. `time` is the block's, in Unix seconds. */
export type Holding = { balance: bigint; used: boolean; block: bigint; time: bigint }

/** Calldata that moves the payment. The overload with v, r and s stands in every version of USDC. */
export function encodeTransfer(payment: ExactPayment): Hex {
  const { from, to, value, validAfter, validBefore, nonce, signature } = payment
  const { r, s, yParity } = parseSignature(signature)
  const args = [from, to, value, validAfter, validBefore, nonce, 27 + yParity, r, s] as const
  return encodeFunctionData({ abi: tokenAbi, functionName: 'transferWithAuthorization', args })
}

/** One round trip. @throws ChainFault when unreadable */
export async function readHolding(
  chain: Chain,
  { token, from, nonce }: Pick<ExactPayment, 'token' | 'from' | 'nonce'>,
  tag?: Tag,
): Promise<Holding> {
  const abi = tokenAbi
  const { answers, block, time } = await readAt(
    chain,
    [
      { to: token, data: encodeFunctionData({ abi, functionName: 'balanceOf', args: [from] }) },
      {
        to: token,
        data: encodeFunctionData({ abi, functionName: 'authorizationState', args: [from, nonce] }),
      },
    ],
    tag,
  )
  const [balance = '0x', state = '0x'] = answers
  return {
    balance: decodeFunctionResult({ abi, functionName: 'balanceOf', data: balance }),
    used: decodeFunctionResult({ abi, functionName: 'authorizationState', data: state }),
    block,
    time,
  }
}

/** What somebody holds of the chain's stablecoin. Atomic units. @throws ChainFault when unreadable */
export async function readBalance(chain: Chain, owner: Address): Promise<bigint> {
  const abi = tokenAbi
  const data = encodeFunctionData({ abi, functionName: 'balanceOf', args: [owner] })
  const { answers } = await readAt(chain, [{ to: chain.token, data }])
  return decodeFunctionResult({ abi, functionName: 'balanceOf', data: answers[0] ?? '0x' })
}

/** Whether one transaction used the authorization and moved exactly the payment: a token may "succeed" and move nothing. */
export function moved(logs: Log[], payment: ExactPayment): boolean {
  const { token, from, to, value, nonce } = payment
  const of = (topics: Hex[]) =>
    logs.filter(
      (log) => log.address === token && topics.every((topic, at) => log.topics[at]?.toLowerCase() === topic),
    )
  const used = of([AUTHORIZATION_USED, word(from), nonce.toLowerCase() as Hex])
  const transfers = of([TRANSFER, word(from), word(to)])
  return used.length === 1 && transfers.some((log) => BigInt(log.data) === value)
}

/** Whether the chain has this transaction and it moved the payment. @throws ChainFault when unreadable */
export async function transferStands(
  chain: Chain,
  payment: ExactPayment,
  transaction: Hex,
): Promise<boolean> {
  const [client, { findReceipt }] = await Promise.all([connect(chain), import('./transaction.ts')])
  const receipt = await findReceipt(client, [transaction])
  return receipt?.succeeded === true && moved(receipt.logs, payment)
}

/**
 * The transaction that moved the payment, whoever sent it, among the last hours' blocks. `spent`: the authorization was
 * cancelled or moved something else. `undefined`: nothing is found there.
 * @throws ChainFault when unreadable
 */
export async function findTransfer(chain: Chain, payment: ExactPayment): Promise<Hex | 'spent' | undefined> {
  const [client, { faultOf }, { block }] = await Promise.all([
    connect(chain),
    import('./client.ts'),
    readAt(chain, []),
  ])
  const from = block > BLOCKS_SEARCHED ? block - BLOCKS_SEARCHED : 0n
  const filter = {
    address: payment.token,
    topics: [[AUTHORIZATION_USED, AUTHORIZATION_CANCELED], word(payment.from), payment.nonce],
    fromBlock: `0x${from.toString(16)}` as const,
    toBlock: 'latest' as const,
  }
  const logs = await client.request({ method: 'eth_getLogs', params: [filter] }).catch((thrown) => {
    throw faultOf(thrown)
  })
  const hash = logs[0]?.transactionHash
  if (!hash) return undefined
  return (await transferStands(chain, payment, hash)) ? hash : 'spent'
}

function word(address: Address): Hex {
  return pad(address)
}
