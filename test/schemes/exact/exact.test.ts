/** `exact` over HTTP: settled once, before the first byte, for one resource. */
import { env, runInDurableObject } from 'cloudflare:test'
import { encodeFunctionData, parseAbi } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { beforeEach, describe, expect, inject, it } from 'vitest'
import { encodeTransfer, readBalance } from '../../../src/chain/token.ts'
import { LEASE_MS } from '../../../src/ledger/exact/authorizations.ts'
import { REPLAY_WINDOW_MS } from '../../../src/ledger/replay-window.ts'
import type { Address, Hex } from '../../../src/protocol/evm/hex.ts'
import { encodeHeader } from '../../../src/protocol/x402/header.ts'
import { type ExactPorts, exactScheme } from '../../../src/schemes/exact/scheme.ts'
import { chainAt, newKey } from '../../chain/harness.ts'
import { send } from '../../chain/payer.ts'
import { parsePayment } from '../../protocol/payments.ts'
import {
  altered,
  type Crawler,
  errorOf,
  type Meddle,
  newCrawler,
  openShop,
  PRICE,
  receiptOf,
  twins,
  valueAt,
} from '../harness.ts'

let does: Meddle = (_, call) => call()
const shop = openShop({}, (name, call) => does(name, call))
const { network, receiver } = shop.site.config.policy
const EXACT = 'invalid_exact_evm_'
const LATE = `${EXACT}payload_authorization_valid_before`
const OTHER = `0x${'5a'.repeat(20)}` as const

let crawler: Crawler
beforeEach(async () => {
  does = (_, call) => call()
  crawler = await newCrawler(shop)
  shop.calls.length = 0
})

const held = () => readBalance(chainAt(inject('chain').rpcUrl), crawler.payer.address)
const memory = () => env.AUTHORIZATIONS.getByName(`${network.id}:${crawler.payer.address}`)
const statusAndError = async (response: Response) => [response.status, await errorOf(response)]

async function refusedUnasked(payment: string, code: string, status = 402) {
  expect(await statusAndError(await shop.ask('/one', { payment }))).toEqual([status, code])
  expect(shop.calls).toEqual([])
}

describe('an exact payment', () => {
  it('is settled before the first byte leaves, and says where', async () => {
    const before = await held()
    const paid = await shop.ask('/one', { payment: await crawler.pays() })
    expect(paid.status).toBe(200)
    expect(receiptOf(paid)).toEqual({
      success: true,
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      network: 'eip155:84532',
      payer: crawler.payer.address,
      amount: '1000',
    })
    expect(await held()).toBe(before - PRICE)
    const calls = ['AUTHORIZATIONS.renew', 'AUTHORIZATIONS.settled', 'RELAYER.send', 'SITE.fetch']
    // Who never paid here is looked up before anything is kept of them.
    const first = ['AUTHORIZATIONS.take', 'AUTHORIZATIONS.take', ...calls]
    expect(shop.calls.toSorted()).toEqual(first.toSorted())
    shop.calls.length = 0
    expect((await shop.ask('/one', { payment: await crawler.pays() })).status).toBe(200)
    expect(shop.calls.toSorted()).toEqual(['AUTHORIZATIONS.take', ...calls].toSorted())
  })

  it('speaks v1 to those who do', async () => {
    const payment = await crawler.pays()
    const payload = valueAt(payment, 'payload')
    const v1 = encodeHeader({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload })
    const paid = await shop.ask('/one', { v1 })
    expect(paid.status).toBe(200)
    expect(paid.headers.get('payment-response')).toBeNull()
    expect(receiptOf(paid)).toMatchObject({
      success: true,
      network: 'base-sepolia',
      payer: crawler.payer.address,
    })
    expect((await shop.ask('/one', { payment })).status).toBe(200)
    expect(await memory().totals()).toMatchObject({ payments: 1, received: PRICE })
  })

  it('sent fifty times at once is settled once; who does not have the page is told to ask again [A1]', async () => {
    const before = await held()
    const payment = await crawler.pays()
    const answers = await Promise.all(Array.from({ length: 50 }, () => shop.ask('/one', { payment })))
    const statuses = new Set(answers.map(({ status }) => status))
    expect(statuses.has(200)).toBe(true)
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([])
    for (const answer of answers.filter(({ status }) => status === 503)) {
      expect(await errorOf(answer)).toBe('tab_in_progress')
      expect(answer.headers.get('retry-after')).not.toBeNull()
    }
    expect((await shop.ask('/one', { payment })).status).toBe(200)
    expect(await held()).toBe(before - PRICE)
    expect(shop.calls.filter((call) => call === 'RELAYER.send')).toHaveLength(1)
  })

  it('opens no other path, query, host or method [A2]', async () => {
    const payment = await crawler.pays()
    expect((await shop.ask('/one?a=1', { payment })).status).toBe(200)
    for (const [url, rest] of [
      ['/two?a=1', {}],
      ['/one', {}],
      ['/one?a=2', {}],
      ['https://other.test/one?a=1', {}],
      ['/one?a=1', { method: 'POST', body: 'x' }],
    ] as const) {
      const response = await shop.ask(url, { payment, ...rest })
      expect([url, ...(await statusAndError(response))]).toEqual([url, 402, 'tab_proof_bound'])
    }
    expect(shop.calls.filter((call) => call === 'RELAYER.send')).toHaveLength(1)
  })

  it('sent again after its answer was lost opens the page again with the same receipt [A3]', async () => {
    const before = await held()
    const payment = await crawler.pays()
    const first = receiptOf(await shop.ask('/one', { payment }))
    const again = await shop.ask('/one', { payment })
    expect([again.status, receiptOf(again)]).toEqual([200, first])
    expect(await held()).toBe(before - PRICE)
  })

  it.each(['/status/404', '/status/500', '/status/302', '/fault'])(
    'is not settled for %s, and buys something else instead [D9]',
    async (path) => {
      const before = await held()
      const payment = await crawler.pays()
      const failed = await shop.ask(path, { payment })
      expect(failed.status).not.toBe(200)
      expect(failed.headers.get('payment-response')).toBeNull()
      expect(await held()).toBe(before)
      expect((await shop.ask('/one', { payment })).status).toBe(200)
    },
  )

  it.each([
    ['payload.authorization.value', '999', 'No matching payment requirements'],
    ['payload.authorization.value', '1001', 'No matching payment requirements'],
    ['payload.authorization.to', OTHER, `${EXACT}recipient_mismatch`],
    ['payload.authorization.from', OTHER, `${EXACT}signature`],
    ['payload.authorization.nonce', `0x${'5a'.repeat(32)}`, `${EXACT}signature`],
    ['payload.authorization.validAfter', '1', `${EXACT}signature`],
    ['payload.authorization.validBefore', '99999999999', `${EXACT}signature`],
    ['accepted.amount', '999', 'No matching payment requirements'],
    ['accepted.payTo', OTHER, 'No matching payment requirements'],
    ['accepted.asset', OTHER, 'No matching payment requirements'],
    ['accepted.network', 'eip155:8453', 'No matching payment requirements'],
    ['accepted.extra.version', '1', 'No matching payment requirements'],
    ['payload.authorization', undefined, 'unsupported_payload_type'],
  ])('with another %s (%s) is refused unasked [B9]', async (path, value, code) => {
    await refusedUnasked(altered(await crawler.pays(), path, value), code)
  })

  it.each(['01', '1e3', '0x3e8', ' 1000', '-1', '1000.0', 1000, String(1n << 128n)])(
    'of %j is refused unread [B8]',
    async (value) => {
      await refusedUnasked(
        altered(await crawler.pays(), 'payload.authorization.value', value),
        'invalid_payload',
        400,
      )
    },
  )

  it.each(Object.keys(twins(`0x${'00'.repeat(64)}1b`)))(
    'with a signature that the token would refuse is refused unasked: %s [B1]',
    async (name) => {
      const payment = await crawler.pays()
      const twin = twins(String(valueAt(payment, 'payload.signature')))[name]
      await refusedUnasked(altered(payment, 'payload.signature', twin), `${EXACT}signature`)
    },
  )

  it.each([
    ['another chain', { chainId: 8453 }, 'TransferWithAuthorization'],
    ['another token', { verifyingContract: OTHER }, 'TransferWithAuthorization'],
    ['another version', { version: '1' }, 'TransferWithAuthorization'],
    ['a deposit', {}, 'ReceiveWithAuthorization'],
  ] as const)('signed for %s is refused unasked [B2]', async (_, wrong, primaryType) => {
    const type = ['from', 'to'].map((name) => ({ name, type: 'address' }))
    const numbers = ['value', 'validAfter', 'validBefore'].map((name) => ({ name, type: 'uint256' }))
    const fields = [...type, ...numbers, { name: 'nonce', type: 'bytes32' }]
    const payment = await crawler.pays()
    const message = valueAt(payment, 'payload.authorization') as Record<string, string>
    const { name, version, address } = network.usdc
    const signature = await privateKeyToAccount(crawler.payer.key).signTypedData({
      domain: { name, version, chainId: 84532, verifyingContract: address, ...wrong },
      types: { TransferWithAuthorization: fields, ReceiveWithAuthorization: fields },
      primaryType,
      message,
    })
    await refusedUnasked(altered(payment, 'payload.signature', signature), `${EXACT}signature`)
  })
})

describe('the time of an authorization [A9]', () => {
  it('is held against the clock to the second', async () => {
    const scheme = exactScheme({ network, receiver, maxTimeoutSeconds: 60 }, {} as ExactPorts)
    const header = await crawler.pays(PRICE, { validAfter: 1000n, validBefore: 2000n })
    const parsed = parsePayment(header)
    if (!parsed.ok || parsed.value.scheme !== 'exact') throw new Error('no exact payment')
    const reasonAt = (now: number) => {
      const verdict = scheme.verify(parsed.value as Parameters<typeof scheme.verify>[0], PRICE, now)
      return verdict.ok ? 'for its memory' : verdict.refusal.reason
    }
    const week = 7 * 86_400
    expect([999, 1000, 2000 + week, 2001 + week].map(reasonAt)).toEqual([
      'exact_too_early',
      'for its memory',
      'for its memory',
      'exact_too_late',
    ])
  })

  it('that is over is refused by its memory, and leaves nothing there', async () => {
    const late = await crawler.pays(PRICE, { validBefore: BigInt(Math.floor(Date.now() / 1000)) })
    const refused = await shop.ask('/one', { payment: late })
    expect(await statusAndError(refused)).toEqual([402, LATE])
    expect(shop.calls).not.toContain('RELAYER.send')
    expect(await memory().uses('', 10)).toEqual([])
  })

  it('that is long over, or has not come, is refused unasked', async () => {
    await refusedUnasked(await crawler.pays(PRICE, { validBefore: 1000n }), LATE)
    const early = await crawler.pays(PRICE, { validAfter: 9_999_999_999n, validBefore: 99_999_999_999n })
    await refusedUnasked(early, `${EXACT}payload_authorization_valid_after`)
  })
})

describe('between verification and settlement [A8]', () => {
  it('a payer who moves the money away gets no byte and keeps the authorization', async () => {
    const all = await held()
    const payment = await crawler.pays()
    does = async (name, call) => {
      if (name === 'RELAYER.send') await moveAway(all)
      return call()
    }
    const refused = await shop.ask('/one', { payment })
    expect(await statusAndError(refused)).toEqual([402, `${EXACT}insufficient_balance`])
    expect(await memory().totals()).toMatchObject({ payments: 0, inDoubt: 0 })
  })

  it('a payer who cancels the authorization gets no byte', async () => {
    const { nonce } = valueAt(await crawler.pays(), 'payload.authorization') as { nonce: Hex }
    const payment = await crawler.pays(PRICE, { nonce })
    does = async (name, call) => {
      if (name === 'RELAYER.send') await useUp(nonce)
      return call()
    }
    expect(await statusAndError(await shop.ask('/one', { payment }))).toEqual([
      402,
      `${EXACT}nonce_already_used`,
    ])
  })
})

describe('an outcome that is not known', () => {
  it('is answered 503 and settled once when asked again [F6]', async () => {
    const before = await held()
    const payment = await crawler.pays()
    does = async (name, call) => {
      if (name !== 'RELAYER.send') return call()
      await call()
      throw new Error('the reply was lost')
    }
    const unknown = await shop.ask('/one', { payment })
    expect(await statusAndError(unknown)).toEqual([503, 'settlement_pending'])
    expect(await memory().totals()).toMatchObject({ inDoubt: 1 })
    does = (_, call) => call()
    expect(await statusAndError(await shop.ask('/two', { payment }))).toEqual([402, 'tab_proof_bound'])
    expect((await shop.ask('/one', { payment })).status).toBe(200)
    expect(await held()).toBe(before - PRICE)
    expect(await memory().totals()).toEqual({ payments: 1, received: PRICE, inDoubt: 0, undelivered: 0 })
  })

  it('of a request that died after taking the authorization is asked of the chain after its lease [E4]', async () => {
    const payment = await crawler.pays()
    does = async (name, call) => {
      if (name === 'SITE.fetch') throw new Error('the Worker dies')
      if (name === 'AUTHORIZATIONS.release') throw new Error('the Worker is dead')
      return call()
    }
    expect((await shop.ask('/one', { payment })).status).toBe(503)
    does = (_, call) => call()
    expect(await statusAndError(await shop.ask('/one', { payment }))).toEqual([503, 'tab_in_progress'])
    await runInDurableObject(memory(), (_, { storage }) => {
      storage.sql.exec('UPDATE authorization SET at = at - ?', LEASE_MS)
    })
    shop.calls.length = 0
    const answer = await shop.ask('/one', { payment })
    expect(shop.calls).toContain('RELAYER.outcome')
    expect(answer.status).toBe(200)
  })

  it.each(['the night', 'the next request'])(
    'that %s finds to be paid stays the payer’s as long as the origin delivers nothing [E5]',
    async (who) => {
      const before = await held()
      const payment = await crawler.pays()
      const age = (time: number) =>
        runInDurableObject(memory(), (_, { storage }) => {
          storage.sql.exec('UPDATE authorization SET at = at - ?', time)
        })
      does = async (name, call) => {
        const answer = await call()
        if (name === 'RELAYER.send') throw new Error('the answer is lost')
        return answer
      }
      expect((await shop.ask('/one', { payment })).status).toBe(503)
      await age(LEASE_MS)
      const [doubt] = await memory().doubts(1)
      if (who === 'the night' && doubt) await memory().found(doubt.token, doubt.nonce, `0x${'5a'.repeat(32)}`)
      does = async (name, call) => {
        if (name === 'SITE.fetch') throw new Error('the origin is down')
        return call()
      }
      for (let times = 0; times < 2; times++) {
        expect((await shop.ask('/one', { payment })).status).toBe(502)
        await age(REPLAY_WINDOW_MS)
      }
      expect(await memory().totals()).toMatchObject({ payments: 1, undelivered: 1 })
      does = (_, call) => call()
      expect((await shop.ask('/one', { payment })).status).toBe(200)
      expect(await memory().totals()).toMatchObject({ payments: 1, undelivered: 0 })
      expect(await held()).toBe(before - PRICE)
    },
  )
})

describe('a request that outlives its lease', () => {
  it('settles nothing that another request has taken over meanwhile', async () => {
    const before = await held()
    const payment = await crawler.pays()
    let wakes = () => {}
    const awake = new Promise<void>((resolve) => {
      wakes = resolve
    })
    does = async (name, call) => {
      const answer = await call()
      if (name === 'SITE.fetch') await awake
      return answer
    }
    const slow = shop.ask('/one', { payment })
    while (!shop.calls.includes('SITE.fetch') || (await memory().totals()).inDoubt === 0)
      await scheduler.wait(1)
    await runInDurableObject(memory(), (_, { storage }) => {
      storage.sql.exec('UPDATE authorization SET at = at - ?', LEASE_MS)
    })
    does = async (name, call) => {
      if (name === 'SITE.fetch') throw new Error('the origin is down')
      return call()
    }
    expect((await shop.ask('/one', { payment })).status).toBe(502)
    does = (_, call) => call()
    expect((await shop.ask('/two', { payment })).status).toBe(200)
    wakes()
    expect(await statusAndError(await slow)).toEqual([503, 'tab_in_progress'])
    expect(await held()).toBe(before - PRICE)
  })
})

async function moveAway(amount: bigint): Promise<void> {
  const abi = parseAbi(['function transfer(address to, uint256 value) returns (bool)'])
  const data = encodeFunctionData({ abi, functionName: 'transfer', args: [OTHER, amount] })
  await send(crawler.payer.address, network.usdc.address, data)
}

/** Somebody else puts another transfer with this nonce on the chain. */
async function useUp(nonce: Hex): Promise<void> {
  const transfer = await crawler.payer.pays(OTHER as Address, 1n, { nonce })
  await send((await newKey()).address, network.usdc.address, encodeTransfer(transfer))
}
