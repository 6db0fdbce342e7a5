/** JSON-RPC nodes of the chain: honest, slow, behind, busy, or lying. */
import { encodeFunctionResult, keccak256, numberToHex, toFunctionSelector } from 'viem'
import { escrowAbi } from '../../src/chain/escrow.ts'
import { MULTICALL } from '../../src/chain/multicall.ts'
import { tokenSeparator } from '../../src/protocol/evm/eip712.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { world } from '../world.ts'
import { type DecodedCall, decodeCall, messageData, metadataAbi, multicallAbi } from './calls.ts'
import { type Chain, GAS_USED } from './chain.ts'
import { type ChainState, NETWORK, Revert } from './state.ts'

type Question = { id: number; method: string; params?: unknown[] }

const WAY_MS = 40
/** Longer than any client waits for a node. */
const SLOW_MS = 9_000
const MOST_LAG = 6

/** A node of the chain. */
export class Node {
  readonly #chain: Chain
  readonly #name: string
  /** How many blocks the node is behind. */
  lag = 0
  /** While it is true, the node answers nothing. */
  isDown = false

  constructor(chain: Chain, name: string) {
    this.#chain = chain
    this.#name = name
  }

  /** Answers one request, with the faults of networks and nodes. @throws TypeError when the connection breaks */
  async answer(body: string): Promise<Response> {
    const here = world()
    const { choices } = here
    const question = JSON.parse(body) as Question
    const where = `${this.#name} ${question.method}`
    await here.sleep(here.latency(where, WAY_MS), `rpc ${where}`)
    if (this.isDown || choices.strikes('rpc lost', `${where} before`, 0.006))
      throw new TypeError('fetch failed')
    const answer = choices.strikes('rpc busy', where, 0.004)
      ? { error: { code: -32_005, message: 'limit exceeded' } }
      : this.#ask(question)
    const slow = choices.strikes('rpc slow', where, 0.002) ? SLOW_MS : 0
    await here.sleep(slow + here.latency(where, WAY_MS), `rpc answer ${where}`)
    if (choices.strikes('rpc lost', `${where} after`, 0.006)) throw new TypeError('fetch failed')
    if (choices.strikes('rpc broken', where, 0.002)) return new Response('<html>502</html>', { status: 502 })
    return jsonResponse({ jsonrpc: '2.0', id: question.id, ...answer })
  }

  get #head(): number {
    return this.#headOf(this.#name, 0.03)
  }

  /** The newest block of the replica that answers. */
  #headOf(replica: string, share: number): number {
    const { choices } = world()
    const behind = choices.strikes('node behind', replica, share) ? choices.between('behind', 1, MOST_LAG) : 0
    return Math.max(0, this.#chain.head - this.lag - behind)
  }

  #ask({ method, params = [] }: Question): { result: unknown } | { error: unknown } {
    const chain = this.#chain
    switch (method) {
      case 'eth_chainId':
        return { result: numberToHex(NETWORK.chainId) }
      case 'eth_blockNumber':
        return { result: numberToHex(this.#head) }
      case 'eth_getCode':
        return { result: '0x01' }
      case 'eth_maxPriorityFeePerGas':
        return { result: '0xf4240' }
      case 'eth_getBlockByNumber':
        return { result: this.#block(this.#numberOf(params[0])) }
      case 'eth_getTransactionCount':
        return { result: numberToHex(this.#count(params[0] as Address, params[1])) }
      case 'eth_getBalance':
        return {
          result: numberToHex(
            chain.at(this.#head).wei.get((params[0] as Address).toLowerCase() as Address) ?? 0n,
          ),
        }
      case 'eth_getTransactionReceipt':
        return { result: this.#receipt(params[0] as Hex) }
      case 'eth_getLogs':
        return { result: this.#logs(params[0] as LogFilter) }
      case 'eth_call':
        return { result: this.#call(params[0] as { to: Address; data: Hex }, params[1]) }
      case 'eth_estimateGas':
        return this.#estimate(params[0] as { from: Address; to: Address; data: Hex })
      case 'eth_sendRawTransaction':
        return this.#send(params[0] as Hex)
      default:
        return { error: { code: -32_601, message: `the method ${method} is not supported` } }
    }
  }

  #numberOf(tag: unknown): number {
    if (tag === 'finalized') return Math.min(this.#chain.final, this.#head)
    return typeof tag === 'string' && tag.startsWith('0x') ? Number(tag) : this.#head
  }

  #block(number: number) {
    const { baseFee } = this.#chain
    const timestamp = numberToHex(this.#chain.timeOf(number))
    return { number: numberToHex(number), timestamp, baseFeePerGas: numberToHex(baseFee) }
  }

  /** Trap for the relayer: a node may count too many. */
  #count(of: Address, tag: unknown): number {
    const { choices } = world()
    const count = this.#chain.at(this.#numberOf(tag)).nonces.get(of.toLowerCase() as Address) ?? 0
    if (tag !== 'latest' || !choices.strikes('false count', this.#name, 0.004)) return count
    return count + choices.between('false count', 1, 3)
  }

  #receipt(hash: Hex) {
    if (world().choices.strikes('no receipt', this.#name, 0.01)) return null
    const found = this.#chain.receipt(hash, this.#head)
    if (!found) return null
    const { block, succeeded, logs } = found
    return {
      transactionHash: hash,
      blockNumber: numberToHex(block),
      status: succeeded ? '0x1' : '0x0',
      logs,
      gasUsed: numberToHex(GAS_USED),
      effectiveGasPrice: numberToHex(this.#chain.baseFee),
    }
  }

  #logs({ address, topics, fromBlock, toBlock }: LogFilter) {
    const last = Math.min(Number(toBlock), this.#head)
    return this.#chain
      .logs(Number(fromBlock), last)
      .filter(({ log }) => log.address === address.toLowerCase() && matches(log.topics, topics))
      .map(({ log, hash, block }) => ({ ...log, transactionHash: hash, blockNumber: numberToHex(block) }))
  }

  /** A service may simulate at replicas of their own, which are behind more often. */
  #estimate({ from, to, data }: { from: Address; to: Address; data: Hex }) {
    const head = this.#headOf(`${this.#name} simulates`, 0.1)
    try {
      this.#chain.simulate(to.toLowerCase() as Address, data, from.toLowerCase() as Address, head)
      return { result: numberToHex(GAS_USED) }
    } catch (fault) {
      if (!(fault instanceof Revert)) throw fault
      return {
        error: { code: 3, message: `execution reverted: ${fault.message}`, data: revertData(fault.message) },
      }
    }
  }

  #send(raw: Hex) {
    const against = this.#chain.take(raw)
    return against ? { error: { code: -32_000, message: against } } : { result: keccak256(raw) }
  }

  #call({ to, data }: { to: Address; data: Hex }, tag: unknown): Hex {
    const number = this.#numberOf(tag)
    const state = this.#chain.at(number)
    if (to.toLowerCase() !== MULTICALL) return this.#read(state, number, data)
    const calls = decodedRead(data).args[0] as readonly { callData: Hex }[]
    const result = calls.map(({ callData }) => ({
      success: true,
      returnData: this.#read(state, number, callData),
    }))
    return encodeFunctionResult({ abi: multicallAbi, functionName: 'aggregate3', result })
  }

  #read(state: ChainState, number: number, data: Hex): Hex {
    const { name, args } = decodedRead(data)
    const first = args[0] as Hex
    switch (name) {
      case 'getBlockNumber':
        return words(BigInt(number))
      case 'getCurrentBlockTimestamp':
        return words(this.#chain.timeOf(number))
      case 'channels': {
        const { balance, claimed } = state.channel(first)
        return words(balance, claimed)
      }
      case 'pendingWithdrawals': {
        const pending = state.withdrawals.get(first)
        return words(pending?.amount ?? 0n, pending?.at ?? 0n)
      }
      case 'refundNonce':
        return words(state.refundNonces.get(first) ?? 0n)
      case 'receivers': {
        const { claimed, swept } = state.receivers.get(first.toLowerCase() as Address) ?? {
          claimed: 0n,
          swept: 0n,
        }
        return words(claimed, swept)
      }
      case 'balanceOf':
        return words(state.balance(first.toLowerCase() as Address))
      case 'authorizationState':
        return words(state.used.has(`${first.toLowerCase()}:${String(args[1]).toLowerCase()}`) ? 1n : 0n)
      case 'decimals':
        return words(6n)
      case 'DOMAIN_SEPARATOR':
        return tokenSeparator(NETWORK.usdc)
      case 'eip712Domain':
        return domain()
      default:
        throw new Error(`the model must know ${name}`)
    }
  }
}

type LogFilter = { address: Address; topics: (Hex | Hex[])[]; fromBlock: Hex; toBlock: Hex }

function matches(topics: readonly Hex[], wanted: LogFilter['topics']): boolean {
  return wanted.every((one, at) => {
    const topic = topics[at]?.toLowerCase()
    return Array.isArray(one) ? one.some((each) => each.toLowerCase() === topic) : one.toLowerCase() === topic
  })
}

const JSON_HEADERS = new Headers({ 'content-type': 'application/json' })

/** As a `Response` to the one client that reads it, without the streams that cost more than the answer. */
function jsonResponse(value: unknown): Response {
  const text = JSON.stringify(value)
  const read = { json: async () => JSON.parse(text), text: async () => text }
  return { ok: true, status: 200, headers: JSON_HEADERS, ...read } as unknown as Response
}

const reads = new Map<Hex, DecodedCall>()

/** The same few reads come again and again. */
function decodedRead(data: Hex): DecodedCall {
  let known = reads.get(data)
  if (!known) {
    known = decodeCall(data)
    if (reads.size > 10_000) reads.clear()
    reads.set(data, known)
  }
  return known
}

function words(...values: bigint[]): Hex {
  return `0x${values.map((value) => value.toString(16).padStart(64, '0')).join('')}`
}

let domainRead: Hex | undefined

function domain(): Hex {
  const { chainId, escrow } = NETWORK
  const zero: Hex = `0x${'0'.repeat(64)}`
  const result = ['0x0f', 'x402 Batch Settlement', '1', BigInt(chainId), escrow, zero, []] as const
  domainRead ??= encodeFunctionResult({
    abi: metadataAbi,
    functionName: 'eip712Domain',
    result: [...result] as never,
  })
  return domainRead
}

const errors = new Map<string, Hex>()
for (const item of escrowAbi)
  if (item.type === 'error' && item.inputs.length === 0)
    errors.set(item.name, toFunctionSelector(`${item.name}()`))

/** The data of a revert: a custom error of the escrow, or the message of a `require`. */
function revertData(message: string): Hex {
  return errors.get(message) ?? messageData(message)
}
