/**
 * D9, D12, E1, E3 on credit: the origin fails, and each call of the Worker fails once, before or after it acts. No page is
 * served unpaid, no agent pays for a missing page, and sending the same signed request again charges once.
 */
import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorOf, type Meddle, PRICE } from '../harness.ts'
import { commitment, creditOffer, newAgent, openCreditShop } from './harness.ts'

let does: Meddle = (_, call) => call()
const shop = openCreditShop({}, (name, call) => does(name, call))
const well: Meddle = (_, call) => call()

describe('Commitment when the origin fails', () => {
  it.each(['/status/404', '/status/500', '/status/302', '/status/304', '/fault'])(
    'on %s is not charged [D9]',
    async (path) => {
      const agent = await newAgent()
      const response = await shop.ask(path, await agent.commit(path, await creditOffer(shop)))
      expect(response.status).not.toBe(200)
      expect(response.headers.has('payment-response')).toBe(false)
      expect(await agent.standing()).toMatchObject({ authorized: PRICE, charged: 0n })
    },
  )

  it('can be sent again and is charged once [D9]', async () => {
    const agent = await newAgent()
    const request = await agent.commit('/a', await creditOffer(shop))
    does = (name, call) => (name === 'SITE.fetch' ? Promise.reject(new Error('down')) : call())
    const failed = await shop.ask('/a', request)
    does = well
    expect(failed.status).toBe(502)
    expect((await shop.ask('/a', request)).status).toBe(200)
    expect((await shop.ask('/a', request)).status).toBe(200)
    expect(await agent.standing()).toMatchObject({ charged: PRICE })
  })
})

describe('Commitment when a ledger call fails', () => {
  it.each([
    ['before it acted', false],
    ['after it acted', true],
  ])('once %s repeats the call and charges once [E3]', async (_, after) => {
    const agent = await newAgent()
    const request = await agent.commit('/a', await creditOffer(shop))
    let failures = 0
    does = async (name, call) => {
      if (name !== 'LINES.place' || failures++ > 0) return call()
      if (after) await call()
      throw new Error('the network is down')
    }
    const response = await shop.ask('/a', request)
    does = well
    expect(response.status).toBe(200)
    expect(await agent.standing()).toMatchObject({ charged: PRICE })
  })

  it('twice returns 503, and the same request then finds its charge [E3]', async () => {
    const agent = await newAgent()
    const request = await agent.commit('/a', await creditOffer(shop))
    does = async (name, call) => {
      const answer = await call()
      if (name === 'LINES.place') throw new Error('the network is down')
      return answer
    }
    const response = await shop.ask('/a', request)
    does = well
    expect(response.status).toBe(503)
    expect(await errorOf(response)).toBe('tab_ledger_unavailable')
    expect((await shop.ask('/a', request)).status).toBe(200)
    expect(await agent.standing()).toMatchObject({ charged: PRICE })
  })

  it('in the registry returns 503, and the same request then succeeds [E3]', async () => {
    const agent = await newAgent()
    const request = await agent.commit('/a', await creditOffer(shop))
    does = (name, call) => (name === 'AGENTS.find' ? Promise.reject(new Error('gone')) : call())
    const response = await shop.ask('/a', request)
    does = well
    expect(response.status).toBe(503)
    expect((await shop.ask('/a', request)).status).toBe(200)
  })
})

describe('Commitment when the credit line aborts', () => {
  it.each(['before', 'after'])('%s its write charges once when sent again [E1]', async (when) => {
    const agent = await newAgent()
    const request = await agent.commit('/a', await creditOffer(shop))
    await shop.ask('/warm', await agent.commit('/warm', await creditOffer(shop)))
    await runInDurableObject(agent.line(), (_, state) => {
      const write = state.storage.transactionSync.bind(state.storage)
      state.storage.transactionSync = (work) => {
        if (when === 'before') state.abort('aborted')
        const value = write(work)
        state.abort('aborted')
        return value
      }
    })
    const response = await shop.ask('/a', request)
    expect(response.status).toBeOneOf([200, 503])
    expect((await shop.ask('/a', request)).status).toBe(200)
    expect(await agent.standing()).toMatchObject({ charged: 2n * PRICE })
  })

  it('before a restart returns tab_replayed for another page after it [E1]', async () => {
    const agent = await newAgent()
    const request = await agent.commit('/a', await creditOffer(shop), { covers: [] })
    await shop.ask('/a', request)
    await evictDurableObject(env.LINES.getByName(agent.id))
    expect(await errorOf(await shop.ask('/b', request))).toBe('tab_replayed')
  })
})

describe('Arbitrary client headers', () => {
  const field = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'sig1=:"();,@-abcX0~ '), maxLength: 120 }),
    fc.constantFrom(
      'sig1=("@authority");created=1;expires=2;keyid="x";tag="web-bot-auth"',
      'sig1=:AAAA:',
      '"https://x.example"',
    ),
  )
  const price = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'USD 0.19e-x'), maxLength: 20 }),
    fc.constant('USD 0.001'),
  )

  it('return 400, 402 or 403 and cause neither a fault nor a page [D12]', async () => {
    const offer = await creditOffer(shop)
    const payment = fc.oneof(fc.constant(commitment(offer)), fc.base64String({ maxLength: 80 }))
    const request = fc.record(
      {
        signature: field,
        'signature-input': field,
        'signature-agent': field,
        'content-digest': field,
        'payment-signature': payment,
        'crawler-exact-price': price,
        'crawler-max-price': price,
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(request, fc.constantFrom('GET', 'POST'), async (headers, method) => {
        shop.calls.length = 0
        const response = await shop.ask('/a', { method, headers, ...(method === 'POST' && { body: 'x' }) })
        expect(response.status).toBeOneOf([400, 402, 403])
        expect(shop.calls.filter((call) => !call.startsWith('AGENTS.'))).toEqual([])
      }),
      { numRuns: 400 },
    )
  })
})
