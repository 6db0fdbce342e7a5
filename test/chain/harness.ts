/** A relayer over real Durable Object storage, with a funded key of its own and a node that can fail. */
import { env, runInDurableObject } from 'cloudflare:test'
import { privateKeyToAddress } from 'viem/accounts'
import { onTestFinished } from 'vitest'
import type { SignedTransaction, TransactionOrder } from '../../src/chain/relayer/orders.ts'
import { type Relayer, RelayerBase, type RelayerSettings } from '../../src/chain/relayer/relayer.ts'
import type { Chain } from '../../src/chain/rpc.ts'
import { type Address, type Hex, toHex } from '../../src/protocol/evm/hex.ts'
import type { RpcFault, Seen } from '../../src/testing/chain/rpc-proxy.ts'
import { chainHere } from './here.ts'

/** One JSON-RPC call, straight to the node. */
export async function rpc<Result = unknown>(method: string, ...params: unknown[]): Promise<Result> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(chainHere().rpcUrl, { method: 'POST', headers, body })
  const { result, error } = (await answer.json()) as { result: Result; error?: { message: string } }
  if (error) throw new Error(`${method}: ${error.message}`)
  return result
}

export function randomHex(bytes: number): Hex {
  return toHex(crypto.getRandomValues(new Uint8Array(bytes)))
}

/** A fresh key with ten ether. */
export async function newKey(): Promise<{ key: Hex; address: Address }> {
  const key = randomHex(32)
  const address = privateKeyToAddress(key).toLowerCase() as Address
  await rpc('anvil_setBalance', address, '0x8ac7230489e80000')
  return { key, address }
}

/** A lane of the proxy: a URL of the chain (or of a facilitator) whose faults a test sets. */
export function newLane() {
  const url = `${chainHere().rpcProxy}/${randomHex(8)}`
  return {
    url,
    misbehave: async (...faults: RpcFault[]) => {
      await fetch(url, { method: 'PUT', body: JSON.stringify(faults) })
    },
    seen: async (method: string) =>
      ((await (await fetch(url)).json()) as Seen[]).filter((call) => call.method === method),
  }
}

export type Lane = ReturnType<typeof newLane>

export function chainAt(rpcUrl: string): Chain {
  const { usdc: token, escrow, collector } = chainHere()
  return { network: 'eip155:84532', chainId: 84532, rpcUrl, token, escrow, collector }
}

export type RelayerRig = Relayer &
  Pick<RelayerBase, 'state' | 'repair'> & {
    address: Address
    lane: Lane
    alarm(): Promise<void>
    alarmAt(): Promise<number | null>
    /** All transactions signed for an order, newest first. */
    attempts(id: string): Promise<(SignedTransaction & { nonce: number })[]>
    sql(query: string): Promise<void>
    /** Aborts the object; only its storage is left. */
    kill(): Promise<void>
  }

/** A new relayer. Its alarm fires only when a test calls `alarm`. */
export async function newRelayer(settings: Partial<RelayerSettings> = {}): Promise<RelayerRig> {
  const id = env.RELAYER.newUniqueId()
  const lane = newLane()
  const { key, address } = await newKey()
  let held: { relayer: RelayerBase; by: DurableObjectState } | undefined
  const inside = <Value>(work: (relayer: RelayerBase, storage: DurableObjectStorage) => Promise<Value>) =>
    runInDurableObject(env.RELAYER.get(id), async (_, state) => {
      // Trap: the runtime evicts an object that was idle for seconds. Storage of the former one cannot be used then.
      if (held?.by === state) return work(held.relayer, state.storage)
      const created = new RelayerBase(state, env, { chain: chainAt(lane.url), key, ...settings })
      held = { relayer: created, by: state }
      // A restart sets the alarm to now. It would fire in the object's own class, which has another key.
      if ((await state.storage.getAlarm()) !== null) await state.storage.setAlarm(Date.now() + 3_600_000)
      return work(created, state.storage)
    })
  // An alarm left after the test would fire in the object's own class, with another key.
  onTestFinished(() => inside((_, storage) => storage.deleteAlarm()))
  return {
    address,
    lane,
    send: (order, waitMs) => inside((relayer) => relayer.send(order, waitMs)),
    // The node mines a transaction some time after it was sent.
    outcome: (id, waitMs = 10_000) => inside((relayer) => relayer.outcome(id, waitMs)),
    state: () => inside((relayer) => relayer.state()),
    repair: () => inside((relayer) => relayer.repair()),
    alarm: () =>
      inside(async (relayer, storage) => {
        await storage.deleteAlarm()
        await relayer.alarm()
      }),
    alarmAt: () => inside((_, storage) => storage.getAlarm()),
    attempts: (id) => inside(async (_, storage) => readAttempts(storage, id)),
    sql: (query) =>
      inside(async (_, storage) => {
        storage.sql.exec(query)
      }),
    kill: async () => {
      held = undefined
      const aborted = runInDurableObject(env.RELAYER.get(id), (_, state) => state.abort('killed by the test'))
      await aborted.catch(() => undefined)
    },
  }
}

function readAttempts(storage: DurableObjectStorage, id: string) {
  const rows = storage.sql.exec('SELECT * FROM attempt WHERE order_id = ? ORDER BY at DESC, rowid DESC', id)
  return rows.toArray().map((row) => ({
    hash: row.hash as Hex,
    raw: row.raw as Hex | null,
    nonce: row.nonce as number,
    fees: { maxFee: BigInt(row.max_fee as string), tip: BigInt(row.tip as string) },
    at: row.at as number,
  }))
}

/** An order that moves nothing and always succeeds. */
export function anOrder(rest: Partial<TransactionOrder> = {}): TransactionOrder {
  return { id: `order:${randomHex(6)}`, to: randomHex(20), data: '0x', ...rest }
}

/** How many transactions of an address the chain has. */
export async function countOf(address: Address): Promise<number> {
  return Number.parseInt(await rpc<Hex>('eth_getTransactionCount', address, 'latest'), 16)
}

/**
 * The node's answer to `encodeReads`, with one number exchanged. Trap: the digits of a number may also stand across two words, or
 * be an offset. Only a whole word that follows the length of its bytes is a value.
 */
export function withValue(answer: Hex, value: bigint, other: bigint): Hex {
  const words: string[] = answer.slice(2).match(/.{64}/g) ?? []
  const at = words.findIndex((word, at) => at > 1 && words[at - 1] === wordOf(32n) && word === wordOf(value))
  if (at < 0) throw new Error('the answer must have the value')
  return `0x${words.with(at, wordOf(other)).join('')}`
}

function wordOf(number: bigint): string {
  return number.toString(16).padStart(64, '0')
}
