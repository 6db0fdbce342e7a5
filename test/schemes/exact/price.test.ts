/** `exact` across a price change: authorizations taken before keep their price, all others need the new one. */
import { env, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { readBalance } from '../../../src/chain/token.ts'
import { LEASE_MS } from '../../../src/ledger/exact/authorizations.ts'
import { encodeHeader } from '../../../src/protocol/x402/header.ts'
import { chainAt } from '../../chain/harness.ts'
import { chainHere } from '../../chain/here.ts'
import {
  altered,
  type Crawler,
  errorOf,
  type Meddle,
  newCrawler,
  PRICE,
  startPaywall,
  valueAt,
} from '../harness.ts'

let does: Meddle = (_, call) => call()
const meddle: Meddle = (name, call) => does(name, call)
const shop = startPaywall({}, meddle)
/** The same site after a deploy. */
const later = {
  dearer: startPaywall({ PRICE: '0.002' }, meddle),
  cheaper: startPaywall({ PRICE: '0.0005' }, meddle),
  slower: startPaywall({ MAX_TIMEOUT_SECONDS: 600 }, meddle),
}
const changes = Object.keys(later) as (keyof typeof later)[]
const prices = ['dearer', 'cheaper'] as const

let crawler: Crawler
beforeEach(async () => {
  does = (_, call) => call()
  crawler = await newCrawler(shop)
})

const held = () => readBalance(chainAt(chainHere().rpcUrl), crawler.payer.address)
const memory = () => env.AUTHORIZATIONS.getByName(`eip155:84532:${crawler.payer.address}`)

async function statusAndError(response: Response) {
  return [response.status, await errorOf(response)]
}

describe.each(changes)('Authorization taken before the site became %s', (change) => {
  it('returns its page again when it was settled [E5]', async () => {
    const payment = await crawler.pays()
    const before = await held()
    expect((await shop.ask('/one', { payment })).status).toBe(200)
    expect((await later[change].ask('/one', { payment })).status).toBe(200)
    expect(await held()).toBe(before - PRICE)
  })

  it('returns 503 while another request holds it [E5]', async () => {
    const payment = await crawler.pays()
    does = async (name, call) => {
      const answer = await call()
      if (name !== 'RELAYER.send') return answer
      const meanwhile = await later[change].ask('/one', { payment })
      expect(await statusAndError(meanwhile)).toEqual([503, 'tab_in_progress'])
      return answer
    }
    expect((await shop.ask('/one', { payment })).status).toBe(200)
  })

  it('returns its page when its unknown outcome was a payment [E5]', async () => {
    const payment = await crawler.pays()
    const before = await held()
    does = loseAnswerOf('RELAYER.send')
    expect((await shop.ask('/one', { payment })).status).toBe(503)
    does = (_, call) => call()
    expect((await later[change].ask('/one', { payment })).status).toBe(200)
    expect(await held()).toBe(before - PRICE)
    expect(await memory().totals()).toMatchObject({ payments: 1, received: PRICE, inDoubt: 0 })
  })

  it('is settled at its own price when no money had moved [E5]', async () => {
    const payment = await crawler.pays()
    const before = await held()
    does = async (name, call) => {
      if (name === 'RELAYER.send' || name === 'AUTHORIZATIONS.doubt') throw new Error('the Worker is aborted')
      return call()
    }
    expect((await shop.ask('/one', { payment })).status).toBe(503)
    await runInDurableObject(memory(), (_, { storage }) => {
      storage.sql.exec('UPDATE authorization SET at = at - ?', LEASE_MS)
    })
    does = (_, call) => call()
    expect((await later[change].ask('/one', { payment })).status).toBe(200)
    expect(await held()).toBe(before - PRICE)
    expect(await memory().totals()).toMatchObject({ payments: 1, received: PRICE })
  })
})

describe.each(prices)('Authorization not taken before the site became %s', (change) => {
  const mismatch = [402, 'invalid_exact_evm_payload_authorization_value_mismatch']

  it('is rejected at the new price and stores nothing [B9]', async () => {
    const payment = await crawler.pays()
    const v1 = encodeHeader({
      x402Version: 1,
      scheme: 'exact',
      network: 'base-sepolia',
      payload: valueAt(payment, 'payload'),
    })
    later[change].calls.length = 0
    expect(await statusAndError(await later[change].ask('/one', { payment }))).toEqual(mismatch)
    expect(await statusAndError(await later[change].ask('/one', { v1 }))).toEqual(mismatch)
    expect(later[change].calls).not.toContain('RELAYER.send')
    expect(await memory().uses('', 10)).toEqual([])
  })

  it('with a wrong signature is rejected without any call [B9]', async () => {
    const payment = altered(await crawler.pays(), 'payload.authorization.nonce', `0x${'5a'.repeat(32)}`)
    later[change].calls.length = 0
    const refused = await later[change].ask('/one', { payment })
    expect(await statusAndError(refused)).toEqual([402, 'invalid_exact_evm_signature'])
    expect(later[change].calls).toEqual([])
  })

  it('is rejected at the new price when it was taken and released [B9]', async () => {
    const payment = await crawler.pays()
    expect((await shop.ask('/status/500', { payment })).status).toBe(500)
    expect(await statusAndError(await later[change].ask('/status/500', { payment }))).toEqual(mismatch)
  })

  it('returns tab_proof_bound for another page [B9]', async () => {
    const payment = await crawler.pays()
    expect((await shop.ask('/one', { payment })).status).toBe(200)
    const elsewhere = await later[change].ask('/two', { payment })
    expect(await statusAndError(elsewhere)).toEqual([402, 'tab_proof_bound'])
  })
})

/** Makes the call and loses its answer. */
function loseAnswerOf(lost: string): Meddle {
  return async (name, call) => {
    const answer = await call()
    if (name === lost) throw new Error('the answer is lost')
    return answer
  }
}
