/** Nodes and facilitators that answer with JSON of any shape. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readChannels, readReceiver } from '../../src/chain/channels.ts'
import { remote } from '../../src/chain/facilitator/remote.ts'
import { clientOf } from '../../src/chain/node-client.ts'
import { readCost } from '../../src/chain/relayer/cost.ts'
import {
  broadcast,
  findReceipt,
  readConditions,
  readCount,
  simulate,
} from '../../src/chain/relayer/transaction.ts'
import { type Chain, readAt } from '../../src/chain/rpc.ts'
import { findTransfer, readHolding } from '../../src/chain/token.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { foreignJson } from '../foreign.ts'
import { runs } from '../runs.ts'
import { chainAt, newLane, randomHex } from './harness.ts'
import { newPayer } from './payer.ts'

const [from, hash]: [Address, Hex] = [randomHex(20), randomHex(32)]
const transfer = { token: from, from, to: from, value: 1n, validBefore: 2n, nonce: hash }
const client = ({ rpcUrl }: Chain) => clientOf(rpcUrl)

/** Every read, and the methods that it asks the node for. */
const READS: Record<string, [methods: string[], read: (chain: Chain) => Promise<unknown>]> = {
  readAt: [['eth_chainId'], (chain) => readAt(chain, [])],
  readChannels: [['eth_call', 'eth_blockNumber'], (chain) => readChannels(chain, [hash])],
  readReceiver: [['eth_call'], (chain) => readReceiver(chain, from)],
  readHolding: [['eth_call'], (chain) => readHolding(chain, transfer)],
  findTransfer: [
    ['eth_getLogs', 'eth_getBlockByNumber', 'eth_getTransactionReceipt'],
    (chain) => findTransfer(chain, transfer, 0n),
  ],
  readCost: [['eth_getTransactionReceipt'], (chain) => readCost(chain, hash)],
  readConditions: [
    ['eth_getTransactionCount', 'eth_getBlockByNumber', 'eth_maxPriorityFeePerGas', 'eth_getBalance'],
    (chain) => readConditions(chain, from),
  ],
  readCount: [['eth_getTransactionCount'], (chain) => readCount(chain, from, 'latest')],
  simulate: [
    ['eth_estimateGas'],
    (chain) => simulate(client(chain), from, { id: 'x', to: from, data: '0x' }),
  ],
  broadcast: [['eth_sendRawTransaction'], (chain) => broadcast(client(chain), '0x02')],
  findReceipt: [['eth_getTransactionReceipt'], (chain) => findReceipt(chain, [hash])],
}

const answer = foreignJson(
  ['transactionHash', 'blockNumber', 'status', 'logs', 'address', 'topics', 'data', 'gasUsed', 'timestamp'],
  ['0x', '0x1', '0xzz', '0x14a34', hash, from, `0x${'0'.repeat(63)}2`, `0x${'f'.repeat(640)}`, null],
)
const error = foreignJson(['code', 'message', 'data'], [3, -32000, 'execution reverted', '0x'])

const SAMPLES = runs(12)

/** Runs a call against a lane that answers each method so; its fault when that is no ChainFault. */
async function unexpected(methods: string[], said: object, call: (url: string) => Promise<unknown>) {
  const lane = newLane()
  await lane.misbehave(...methods.map((method) => ({ method, does: 'answer' as const, ...said })))
  return call(lane.url).then(
    () => [],
    ({ name, message }) => (name === 'ChainFault' ? [] : [`${name}: ${message} ${JSON.stringify(said)}`]),
  )
}

describe.each(Object.entries(READS))('%s', (_, [methods, read]) => {
  it('returns or throws a ChainFault, whatever the node answers [F9]', async () => {
    const answers = fc.sample(fc.oneof(fc.record({ result: answer }), fc.record({ error })), SAMPLES)
    const calls = answers.map((said) => unexpected(methods, said, (url) => read(chainAt(url))))
    expect((await Promise.all(calls)).flat()).toEqual([])
  })
})

describe('a facilitator over HTTP', () => {
  it('leads to a result or a refusal, whatever it answers [F15]', async () => {
    const names = [
      'success',
      'isValid',
      'transaction',
      'network',
      'payer',
      'errorReason',
      'invalidReason',
      'kinds',
    ]
    const bodies = fc.sample(foreignJson(names, [true, false, hash, from, 'insufficient_funds']), SAMPLES)
    const payer = await newPayer(10_000n)
    const payment = await payer.pays(randomHex(20), 700n)
    const calls = bodies.flatMap((body) => {
      const said = { body: JSON.stringify(body) }
      return [
        unexpected(['verify'], said, (url) => remote({ url }).verify(payment)),
        unexpected(['settle'], said, (url) => remote({ url }).settle(payment, 'x')),
        unexpected(['supported'], said, (url) => remote({ url }).supported()),
      ]
    })
    expect((await Promise.all(calls)).flat()).toEqual([])
  })
})
