/** A settlement run for one receiver: real accounts, a real relayer on the local chain, and payers with channels. */
import { env } from 'cloudflare:test'
import { readChannels } from '../../src/chain/channels.ts'
import { encodeDeposit, encodeMulticall } from '../../src/chain/escrow.ts'
import type { Relayer } from '../../src/chain/relayer/relayer.ts'
import type { Chain } from '../../src/chain/rpc.ts'
import { readBalance } from '../../src/chain/token.ts'
import type { Finding } from '../../src/ledger/book/finding.ts'
import { findRun, type RunRecord } from '../../src/ledger/book/runs.ts'
import type { Standing } from '../../src/ledger/channel/types.ts'
import type { Steps } from '../../src/platform/steps.ts'
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import { channelId } from '../../src/protocol/evm/eip712.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { networks } from '../../src/protocol/evm/network.ts'
import type { Dust } from '../../src/settlement/channels/dust.ts'
import type { ExactSums } from '../../src/settlement/channels/reconcile.ts'
import type { Sent } from '../../src/settlement/channels/transactions.ts'
import type { Settings } from '../../src/settlement/context.ts'
import { makeRun, type RunKind, type Work } from '../../src/settlement/run.ts'
import { chainAt, newRelayer, type RelayerRig, randomHex } from '../chain/harness.ts'
import { newPayer, type Payer } from '../chain/payer.ts'

export type ReceiverSetup = { settings: Settings; relayer: RelayerRig; receiver: Address; chain: Chain }

/** A relayer, its connection to the chain, and a receiver without payments. */
export async function newReceiver(): Promise<ReceiverSetup> {
  const relayer = await newRelayer()
  const chain = chainAt(relayer.lane.url)
  const { BOOK: book, ACCOUNT: accounts, AUTHORIZATIONS: authorizations } = env
  await book.batch([book.prepare('DELETE FROM account'), book.prepare('DELETE FROM watch')])
  const network = networks.get(chain.network)
  if (!network) throw new Error('the network must be known')
  const settings: Settings = {
    network,
    chain,
    scope: { network: chain.network, others: [] },
    book,
    accounts,
    authorizations,
    // Tests charge dust, and claim it.
    gas: { minClaim: 1n, nativePrice: null, reserve: 0n },
    relayer: {
      // Tests that drop answers should time out soon.
      send: (order) => relayer.send(order, 1_000),
      outcome: (id) => relayer.outcome(id, 0),
      address: async () => relayer.address,
      state: () => relayer.state(),
    },
    webhook: null,
    signAs: () => null,
  }
  return { settings, relayer, receiver: randomHex(20), chain }
}

export type OpenChannel = Awaited<ReturnType<typeof openChannels>>[number]

type Parties = { chain: Chain; relayer: Relayer & { address: Address }; receiver: Address }

/** One payer's channels, each with `deposit` in escrow and an open account. */
export async function openChannels({ chain, relayer, receiver }: Parties, count: number, deposit = 1_000n) {
  const payer = await newPayer(deposit * BigInt(count))
  const configs = Array.from({ length: count }, () => payer.channelTo(receiver, relayer.address))
  const deposits = await Promise.all(
    configs.map(async (config) =>
      encodeDeposit(config, deposit, chain.collector, await payer.deposits(config, deposit)),
    ),
  )
  for (let first = 0; first < count; first += 50) {
    const data = encodeMulticall(deposits.slice(first, first + 50))
    const outcome = await relayer.send({ id: `deposits:${randomHex(8)}`, to: chain.escrow, data })
    if (outcome.status !== 'mined') throw new Error(`deposits must be mined: ${outcome.status}`)
  }
  const ids = configs.map((config) => channelId(config, chain.chainId, chain.escrow))
  const states = await readChannels(chain, ids)
  return Promise.all(
    configs.map(async (config, at) => {
      const [id, state] = [ids[at], states[at]]
      if (!id || !state) throw new Error('the chain must return every channel')
      const account = env.ACCOUNT.getByName(id)
      await account.open(id, config, state)
      await account.list()
      return { id, config, payer, account, charge: (price: bigint) => charge(payer, config, id, price) }
    }),
  )
}

export async function openChannel(setup: Parties, deposit?: bigint): Promise<OpenChannel> {
  const [channel] = await openChannels(setup, 1, deposit)
  if (!channel) throw new Error('there must be a channel')
  return channel
}

/** Charges the next voucher. */
async function charge(payer: Payer, config: ChannelConfig, id: Hex, price: bigint): Promise<void> {
  const account = env.ACCOUNT.getByName(id)
  const max = (await standingOf(id)).charged + price
  const { signature } = await payer.owes(config, max)
  await place(id, max, signature, price)
  await account.standing()
}

/** Charges `price` on a voucher over `max`. The account does not verify the signature. */
export async function place(id: Hex, max: bigint, signature: Hex, price: bigint): Promise<void> {
  const order = {
    kind: 'charge' as const,
    id: randomHex(8),
    max,
    signature,
    price,
    exposure: 1_000_000n,
    request: randomHex(8),
  }
  const answer = await env.ACCOUNT.getByName(id).place(order)
  if (answer.outcome !== 'charged')
    throw new Error(`outcome must be charged: ${JSON.stringify(answer.outcome)}`)
}

export async function standingOf(id: Hex): Promise<Standing> {
  const standing = await env.ACCOUNT.getByName(id).standing()
  if (!standing) throw new Error('account must be open')
  return standing
}

/** Steps of a run without an engine. Results pass through JSON, as in the engine; `around` may inject failures. */
export function steps(
  around: (name: string, work: () => Promise<void>) => Promise<void> = (_, work) => work(),
): Steps {
  return {
    async do<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
      let text = ''
      await around(name, async () => {
        text = JSON.stringify(await work())
      })
      return JSON.parse(text) as Value
    },
    sleep: async () => undefined,
  }
}

export type Listed<Item> = { count: number; list: Item[] }

/** The typed record of a run. */
export type Record = {
  claimed: string
  swept: string
  healed: string
  open: number
  sums: { channels: number; authorized: string; charged: string; redeemed: string }
  exact: ExactSums
  receivers: { receiver: Address; claimed: string; swept: string; redeemed: string; elsewhere: string }[]
  transactions: Listed<Sent>
  dust: Listed<Dust> & { amount: string }
  quarantined: Listed<{ channelId: Hex; reason: string }> & { accounts: number }
  findings: Listed<Finding>
}

export type Ended = RunRecord & { record: Record }

/** Makes a run and reads its record from the read model. */
export async function runOf(
  { settings }: ReceiverSetup,
  through: Steps = steps(),
  id?: string,
): Promise<Ended> {
  return runWork({ book: settings.book, channels: [settings], exact: [], bill: null }, through, id)
}

export async function runWork(
  work: Work,
  through: Steps = steps(),
  id?: string,
  kind: RunKind = 'settlement',
): Promise<Ended> {
  const name = id ?? `${kind}-test-${randomHex(4)}`
  await makeRun(work, through, name, { kind, window: 'test', startedBy: 'operator' })
  return recordOf(name)
}

export async function recordOf(id: string): Promise<Ended> {
  const run = await findRun(env.BOOK, id)
  if (!run) throw new Error(`the read model must have run ${id}`)
  return run as Ended
}

/** Returns the receiver's token balance. */
export function received({ chain, receiver }: Pick<ReceiverSetup, 'chain' | 'receiver'>): Promise<bigint> {
  return readBalance(chain, receiver)
}
