/** `exact` over HTTP: settled once, before the first byte, for one resource. */
import { env, runInDurableObject } from 'cloudflare:test'
import { encodeFunctionData, parseAbi } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { beforeEach, describe, expect, it } from 'vitest'
import { encodeTransfer, readBalance } from '../../../src/chain/token.ts'
import { LEASE_MS } from '../../../src/ledger/exact/authorizations.ts'
import { REPLAY_WINDOW_MS } from '../../../src/ledger/replay-window.ts'
import type { Address, Hex } from '../../../src/protocol/evm/hex.ts'
import { encodeHeader } from '../../../src/protocol/x402/header.ts'
import { type ExactPorts, exactScheme } from '../../../src/schemes/exact/scheme.ts'
import { chainAt, newKey } from '../../chain/harness.ts'
import { chainHere } from '../../chain/here.ts'
import { send } from '../../chain/payer.ts'
import { parsePayment } from '../../protocol/payments.ts'
import {
  altered,
  type Crawler,
  errorOf,
  type Meddle,
  newCrawler,
  PRICE,
  receiptOf,
  startPaywall,
  twins,
  valueAt,
} from '../harness.ts'

let does: Meddle = (_, call) => call()
const shop = startPaywall({}, (name, call) => does(name, call))
const {
  receiver,
  networks: [network],
} = shop.site.config.policy
const EXACT = 'invalid_exact_evm_'
const LATE = `${EXACT}payload_authorization_valid_before`
const OTHER = `0x${'5a'.repeat(20)}` as const

let crawler: Crawler
beforeEach(async () => {
  does = (_, call) => call()
  crawler = await newCrawler(shop)
  shop.calls.length = 0
})

const held = () => readBalance(chainAt(chainHere().rpcUrl), crawler.payer.address)
const memory = () => env.AUTHORIZATIONS.getByName(`${network.id}:${crawler.payer.address}`)
const statusAndError = async (response: Response) => [response.status, await errorOf(response)]

async function expectRejectedWithoutCalls(payment: string, code: string, status = 402) {
  expect(await statusAndError(await shop.ask('/one', { payment }))).toEqual([status, code])
  expect(shop.calls).toEqual([])
}

describe('Exact payment', () => {
  it('is settled before the response and returns the transaction', async () => {
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
    // The balance of an unknown payer is read before anything is stored.
    const first = ['AUTHORIZATIONS.take', 'AUTHORIZATIONS.take', ...calls]
    expect(shop.calls.toSorted()).toEqual(first.toSorted())
    shop.calls.length = 0
    expect((await shop.ask('/one', { payment: await crawler.pays() })).status).toBe(200)
    expect(shop.calls.toSorted()).toEqual(['AUTHORIZATIONS.take', ...calls].toSorted())
  })

  it('by x402 v1 gets a v1 receipt and shares its authorization with v2', async () => {
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

  it('sent 50 times at once is settled once, and the rest get 503 [A1]', async () => {
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

  it('returns tab_proof_bound for another path, query, host or method [A2]', async () => {
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

  it('sent again returns the page with the same receipt [A3]', async () => {
    const before = await held()
    const payment = await crawler.pays()
    const first = receiptOf(await shop.ask('/one', { payment }))
    const again = await shop.ask('/one', { payment })
    expect([again.status, receiptOf(again)]).toEqual([200, first])
    expect(await held()).toBe(before - PRICE)
  })

  it.each(['/status/404', '/status/500', '/status/302', '/fault'])(
    'is not settled for %s and can pay for another page [D9]',
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
  ])('with another %s (%s) is rejected without any call [B9]', async (path, value, code) => {
    await expectRejectedWithoutCalls(altered(await crawler.pays(), path, value), code)
  })

  it.each(['01', '1e3', '0x3e8', ' 1000', '-1', '1000.0', 1000, String(1n << 128n)])(
    'over %j returns 400 without any call [B8]',
    async (value) => {
      await expectRejectedWithoutCalls(
        altered(await crawler.pays(), 'payload.authorization.value', value),
        'invalid_payload',
        400,
      )
    },
  )

  it.each(Object.keys(twins(`0x${'00'.repeat(64)}1b`)))(
    'with a signature that the token rejects (%s) is rejected without any call [B1]',
    async (name) => {
      const payment = await crawler.pays()
      const twin = twins(String(valueAt(payment, 'payload.signature')))[name]
      await expectRejectedWithoutCalls(altered(payment, 'payload.signature', twin), `${EXACT}signature`)
    },
  )

  it.each([
    ['another chain', { chainId: 8453 }, 'TransferWithAuthorization'],
    ['another token', { verifyingContract: OTHER }, 'TransferWithAuthorization'],
    ['another version', { version: '1' }, 'TransferWithAuthorization'],
    ['a deposit', {}, 'ReceiveWithAuthorization'],
  ] as const)('signed for %s is rejected without any call [B2]', async (_, wrong, primaryType) => {
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
    await expectRejectedWithoutCalls(altered(payment, 'payload.signature', signature), `${EXACT}signature`)
  })
})

describe('Exact payment outside its validity', () => {
  it('is rejected to the second, late ones by Authorizations [A9]', async () => {
    const scheme = exactScheme({ network, receiver, maxTimeoutSeconds: 60 }, {} as ExactPorts)
    const header = await crawler.pays(PRICE, { validAfter: 1000n, validBefore: 2000n })
    const parsed = parsePayment(header)
    if (!parsed.ok || parsed.value.scheme !== 'exact') throw new Error('payment must be an exact payment')
    const reasonAt = (now: number) => {
      const verdict = scheme.verify(parsed.value as Parameters<typeof scheme.verify>[0], PRICE, now)
      return verdict.ok ? 'left to Authorizations' : verdict.refusal.reason
    }
    const week = 7 * 86_400
    expect([999, 1000, 2000 + week, 2001 + week].map(reasonAt)).toEqual([
      'exact_too_early',
      'left to Authorizations',
      'left to Authorizations',
      'exact_too_late',
    ])
  })

  it('is rejected when late, and stores nothing [A9]', async () => {
    const late = await crawler.pays(PRICE, { validBefore: BigInt(Math.floor(Date.now() / 1000)) })
    const refused = await shop.ask('/one', { payment: late })
    expect(await statusAndError(refused)).toEqual([402, LATE])
    expect(shop.calls).not.toContain('RELAYER.send')
    expect(await memory().uses('', 10)).toEqual([])
  })

  it('is rejected without any call when a week late or too early [A9]', async () => {
    await expectRejectedWithoutCalls(await crawler.pays(PRICE, { validBefore: 1000n }), LATE)
    const early = await crawler.pays(PRICE, { validAfter: 9_999_999_999n, validBefore: 99_999_999_999n })
    await expectRejectedWithoutCalls(early, `${EXACT}payload_authorization_valid_after`)
  })
})

describe('Exact payment changed before settlement', () => {
  it('returns 402 and no page when the payer moves the money away [A8]', async () => {
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

  it('returns 402 and no page when the authorization is already used [A8]', async () => {
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

describe('Exact payment with an unknown outcome', () => {
  it('returns 503 and is settled once when sent again [F6]', async () => {
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
    expect(await memory().totals()).toMatchObject({
      payments: 1,
      received: PRICE,
      inDoubt: 0,
      undelivered: 0,
    })
  })

  it('is looked up on chain after the lease of an aborted request [E4]', async () => {
    const payment = await crawler.pays()
    does = async (name, call) => {
      if (name === 'SITE.fetch') throw new Error('the Worker is aborted')
      if (name === 'AUTHORIZATIONS.release') throw new Error('the Worker was aborted')
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

  it.each(['the nightly run', 'the next request'])(
    'can be used until the origin delivers when %s finds it paid [E5]',
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
      if (who === 'the nightly run' && doubt)
        await memory().found(doubt.token, doubt.nonce, `0x${'5a'.repeat(32)}`)
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

describe('Exact payment of a request that outlives its lease', () => {
  it('is not settled again when another request took it over', async () => {
    const before = await held()
    const payment = await crawler.pays()
    let resume = () => {}
    const resumed = new Promise<void>((resolve) => {
      resume = resolve
    })
    does = async (name, call) => {
      const answer = await call()
      if (name === 'SITE.fetch') await resumed
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
    resume()
    expect(await statusAndError(await slow)).toEqual([503, 'tab_in_progress'])
    expect(await held()).toBe(before - PRICE)
  })
})

async function moveAway(amount: bigint): Promise<void> {
  const abi = parseAbi(['function transfer(address to, uint256 value) returns (bool)'])
  const data = encodeFunctionData({ abi, functionName: 'transfer', args: [OTHER, amount] })
  await send(crawler.payer.address, network.usdc.address, data)
}

/** Sends another transfer with this nonce from another account. */
async function useUp(nonce: Hex): Promise<void> {
  const transfer = await crawler.payer.pays(OTHER as Address, 1n, { nonce })
  await send((await newKey()).address, network.usdc.address, encodeTransfer(transfer))
}
