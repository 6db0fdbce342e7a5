/** The stablecoin: ERC-20 and EIP-3009, as USDC has them. */
import {
  decodeFunctionResult,
  encodeFunctionData,
  hexToNumber,
  numberToHex,
  pad,
  slice,
  toEventSelector,
} from 'viem'
import { mapConcurrently } from '../platform/pool.ts'
import type { Address, Hex } from '../protocol/evm/hex.ts'
import { parseAbi } from './abi.ts'
import type { Settled, SignedTransfer, Transfer } from './facilitator/facilitator.ts'
import { ChainFault } from './fault.ts'
import type { Log } from './log.ts'
import type { Chain, Tag } from './rpc.ts'
import { askTwo, connect, lowest, readAt } from './rpc.ts'

/** The functions of USDC that are used here. */
export const tokenAbi = parseAbi([
  'function balanceOf(address account) view returns (uint256)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
])

const TRANSFER = toEventSelector('Transfer(address,address,uint256)')
const AUTHORIZATION_USED = toEventSelector('AuthorizationUsed(address,bytes32)')
const AUTHORIZATION_CANCELED = toEventSelector('AuthorizationCanceled(address,bytes32)')

// Nodes reject longer ranges. Some five hours on Base.
const BLOCKS_SEARCHED = 9_000n
// Some twenty days on Base. Without a limit, a search could read the whole chain.
const MAX_SEARCHES = 100

/** A payer's balance and the state of one authorization. `balance` in atomic units; `time` of the block, in Unix seconds. */
export type Holding = { balance: bigint; used: boolean; block: bigint; time: bigint }

/** Calldata of the payment's transfer. Every version of USDC has the overload with v, r and s. */
export function encodeTransfer(payment: SignedTransfer): Hex {
  const { from, to, value, validAfter, validBefore, nonce, signature } = payment
  const [r, s, v] = [slice(signature, 0, 32), slice(signature, 32, 64), slice(signature, 64, 65)]
  const args = [from, to, value, validAfter, validBefore, nonce, hexToNumber(v), r, s] as const
  return encodeFunctionData({ abi: tokenAbi, functionName: 'transferWithAuthorization', args })
}

/** Reads a payer's balance and authorization in one round trip; from two nodes, where there are two. @throws ChainFault when unreadable */
export async function readHolding(
  chain: Chain,
  payment: Pick<SignedTransfer, 'token' | 'from' | 'nonce'>,
  tag?: Tag,
): Promise<Holding> {
  const answers = await askTwo(
    chain,
    (node) => readHoldingAt(node, payment, tag),
    ({ balance, used }) => ({ balance, used }),
  )
  return lowest(answers, ({ block }) => block)
}

async function readHoldingAt(
  chain: Chain,
  { token, from, nonce }: Pick<SignedTransfer, 'token' | 'from' | 'nonce'>,
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
  const { decoded } = await import('./node-client.ts')
  return decoded(() => ({
    balance: decodeFunctionResult({ abi, functionName: 'balanceOf', data: balance }),
    used: decodeFunctionResult({ abi, functionName: 'authorizationState', data: state }),
    block,
    time,
  }))
}

/** An account's balance of the chain's stablecoin, in atomic units. @throws ChainFault when unreadable */
export async function readBalance(chain: Chain, owner: Address): Promise<bigint> {
  const abi = tokenAbi
  const data = encodeFunctionData({ abi, functionName: 'balanceOf', args: [owner] })
  const { answers } = await readAt(chain, [{ to: chain.token, data }])
  const { decoded } = await import('./node-client.ts')
  return decoded(() => decodeFunctionResult({ abi, functionName: 'balanceOf', data: answers[0] ?? '0x' }))
}

/**
 * Whether a transaction used the authorization and moved exactly the payment. Trap: a token may succeed and move nothing.
 *
 * Threat: a payer can use many authorizations towards itself in one transaction, beside one transfer to us. So the transfer
 * must be the very next log, as the token writes it (faults: A6).
 */
export function moved(logs: Log[], payment: Transfer): boolean {
  const { token, from, to, value } = payment
  const [use, ...others] = usesOf(logs, payment)
  if (!use || others.length > 0) return false
  const next = logs[logs.indexOf(use) + 1]
  const isTransfer = next !== undefined && isLogOf(next, token, [TRANSFER, word(from), word(to)])
  return isTransfer && next.data.toLowerCase() === numberToHex(value, { size: 32 })
}

function usesOf(
  logs: Log[],
  { token, from, nonce }: Pick<Transfer, 'token' | 'from' | 'nonce'>,
  event = AUTHORIZATION_USED,
): Log[] {
  const topics = [event, word(from), nonce.toLowerCase() as Hex]
  return logs.filter((log) => isLogOf(log, token, topics))
}

function isLogOf({ address, topics }: Log, token: Address, expected: Hex[]): boolean {
  return address === token && expected.every((topic, at) => topics[at]?.toLowerCase() === topic)
}

/** Whether the chain has this transaction and it moved the payment. @throws ChainFault when unreadable */
export async function transferStands(chain: Chain, payment: Transfer, transaction: Hex): Promise<boolean> {
  return (await readUse(chain, payment, transaction)) === 'moved'
}

/**
 * Whether each transfer stands in its transaction: in a final block, in a later one that may still be undone, or not at all.
 * @throws ChainFault when unreadable
 */
export async function readFinality(
  chain: Chain,
  payments: readonly (Transfer & { transaction: Hex })[],
): Promise<('final' | 'young' | 'gone')[]> {
  const { findReceipt } = await import('./relayer/transaction.ts')
  const heads = await askTwo(
    chain,
    (node) => readAt(node, [], 'finalized'),
    () => null,
  )
  const { block } = lowest(heads, (head) => head.block)
  const unreadable = (_: unknown, fault: unknown): never => {
    throw fault
  }
  return mapConcurrently(
    payments,
    async (payment) => {
      const receipt = await findReceipt(chain, [payment.transaction], 3)
      if (!receipt?.succeeded || !moved(receipt.logs, payment)) return 'gone'
      return receipt.block > block ? 'young' : 'final'
    },
    unreadable,
  )
}

/** The effect of a transaction on the authorization; null when it is not mined, or its receipt shows neither a use nor a cancellation. */
async function readUse(chain: Chain, payment: Transfer, transaction: Hex): Promise<'moved' | 'spent' | null> {
  const { findReceipt } = await import('./relayer/transaction.ts')
  const receipt = await findReceipt(chain, [transaction], 3)
  if (!receipt?.succeeded) return null
  if (moved(receipt.logs, payment)) return 'moved'
  return usesOf(receipt.logs, payment, AUTHORIZATION_CANCELED).length > 0 ||
    usesOf(receipt.logs, payment).length > 0
    ? 'spent'
    : null
}

/**
 * Searches the chain for a payment. `settled`: the transfer exists, from any sender. `refused`: it does not, because the
 * authorization was used for something else (`exact_used`), has lapsed unused (`exact_too_late`), or is not used yet
 * (`exact_insufficient_funds`, else `exact_failed`). `since`, in Unix seconds, is the earliest possible use; without it the
 * last hours are searched. `seen`: the block in which our own transaction moved nothing; an older block shows nothing, and before
 * it is final, that transaction may still be mined: `unknown`.
 * @throws ChainFault when unreadable
 */
export async function search(
  chain: Chain,
  payment: Transfer,
  { since, seen }: { since?: bigint | undefined; seen?: bigint | undefined } = {},
): Promise<Settled> {
  const now = await readHolding(chain, payment)
  // Trap: our order may have failed because another sender's transfer came first, in the very block that this node lacks.
  if (now.block < (seen ?? 0n))
    throw new ChainFault('stale', `the node is at block ${now.block}, before ${seen}`)
  if (now.used) {
    const found = await findTransfer(chain, payment, since ?? now.time)
    if (!found)
      return { status: 'unknown', detail: 'the authorization was used, but no transaction shows it' }
    if (found !== 'spent') return { status: 'settled', transaction: found }
  }
  const isOpen = !now.used && now.time < payment.validBefore
  const unused = now.balance < payment.value ? 'exact_insufficient_funds' : 'exact_failed'
  if (isOpen && seen === undefined) return { status: 'refused', reason: unused, isFinal: false }
  const final = await readHolding(chain, payment, 'finalized')
  if (final.used && !now.used) return { status: 'unknown' }
  const isFinal = now.used ? final.used : final.time >= payment.validBefore
  // Trap: a reorganization may undo the block in which our transaction failed, and it is mined again (faults: I9).
  if (!isFinal && seen !== undefined && final.block < seen) return { status: 'unknown' }
  const reason = now.used ? 'exact_used' : isOpen ? unused : 'exact_too_late'
  return { status: 'refused', reason, isFinal }
}

/**
 * Finds the transaction that moved the payment, back to `since` (Unix seconds), `width` blocks per request. `spent`: the
 * authorization was cancelled or moved something else. `undefined`: no transaction was found, or its receipt contradicts its
 * log (faults: F9).
 * @throws ChainFault when unreadable
 */
export async function findTransfer(
  chain: Chain,
  payment: Transfer,
  since: bigint,
  width = BLOCKS_SEARCHED,
): Promise<Hex | 'spent' | undefined> {
  const [client, { faultOf }, { block }] = await Promise.all([
    connect(chain),
    import('./node-client.ts'),
    readAt(chain, []),
  ])
  const said = (thrown: unknown) => {
    throw faultOf(thrown)
  }
  const topics = [[AUTHORIZATION_USED, AUTHORIZATION_CANCELED], word(payment.from), payment.nonce]
  let last = block
  for (let times = 0; times < MAX_SEARCHES; times++) {
    const first = last > width ? last - width : 0n
    const [fromBlock, toBlock] = [numberToHex(first), numberToHex(last)]
    const filter = { address: payment.token, topics, fromBlock, toBlock }
    const [log] = await client.request({ method: 'eth_getLogs', params: [filter] }).catch(said)
    const hash = log?.transactionHash
    if (hash) {
      // Threat: one node says which transaction it was. The receipt decides, for a cancellation too (faults: F9).
      const use = await readUse(chain, payment, hash)
      return use === 'moved' ? hash : (use ?? undefined)
    }
    const begun = await client
      .request({ method: 'eth_getBlockByNumber', params: [fromBlock, false] })
      .catch(said)
    if (first === 0n || !begun || BigInt(begun.timestamp) < since) return undefined
    last = first - 1n
  }
  return undefined
}

function word(address: Address): Hex {
  return pad(address)
}
