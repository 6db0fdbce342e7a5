import { env } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { generateNonce } from 'web-bot-auth'
import { encodeHeader } from '../../../src/protocol/x402/header.ts'
import { errorOf, PRICE, receiptOf, requiredOf, startPaywall } from '../harness.ts'
import { commitment, creditOffer, NETWORK, newAgent, openCreditShop, REGISTRATION } from './harness.ts'

const shop = openCreditShop()

describe('402 with a credit offer', () => {
  it('lists credit after the offers for wallets and names the signature components', async () => {
    const response = await shop.ask('/a')
    const { accepts, extensions } = requiredOf(response)
    expect(accepts.map(({ network }) => network)).toEqual(['eip155:84532', 'eip155:84532', NETWORK])
    expect(accepts[2]).toEqual({
      scheme: 'batch-settlement',
      network: NETWORK,
      amount: '1000',
      asset: 'USD',
      payTo: 'merchant',
      maxTimeoutSeconds: 300,
      extra: { version: '1.0.0', unit: 'micro-dollar', decimals: 6 },
    })
    expect(extensions).toMatchObject({
      'http-message-signatures': { info: { registrationUrl: REGISTRATION, tags: ['web-bot-auth'] } },
    })
    expect(response.headers.get('accept-signature')).toContain('"payment-signature"')
    expect(response.headers.get('crawler-price')).toBe('USD 0.001')
  })

  it('stays below 2 KB for a URL of any length [D14]', async () => {
    const wordy = openCreditShop({ NAME: 'n'.repeat(32), DESCRIPTION: 'd'.repeat(200) })
    for (const length of [1, 100, 380, 420, 1000]) {
      const header = (await wordy.ask(`/${'a'.repeat(length)}?q=${'b'.repeat(length)}`)).headers
      expect(header.get('payment-required')?.length).toBeLessThanOrEqual(2048)
    }
  })

  it('makes no calls, also for a signed request [H4]', async () => {
    const agent = await newAgent()
    const { calls, ask } = openCreditShop()
    await ask('/a', await agent.sign('/a'))
    expect(calls).toEqual([])
  })

  it('has neither extensions nor crawler-price on a site without credit', async () => {
    const response = await startPaywall().ask('/a')
    expect(requiredOf(response).extensions).toBeUndefined()
    expect(response.headers.has('crawler-price')).toBe(false)
  })
})

describe('Commitment', () => {
  it('pays for the page and returns a receipt with its id', async () => {
    const agent = await newAgent()
    const offer = await creditOffer(shop)
    const response = await shop.ask('/a', await agent.commit('/a', offer))
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('private, no-store')
    const [, entry] = await agent.line().entries(0, 10)
    expect(receiptOf(response)).toEqual({
      success: true,
      transaction: '',
      network: NETWORK,
      payer: new URL(agent.host).host,
      amount: '1000',
      asset: 'USD',
      extra: { timestamp: Math.floor((entry?.at ?? 0) / 1000), commitmentId: entry?.iou, entry: entry?.seq },
    })
    expect(entry).toMatchObject({ kind: 'charge', site: 'site.test', rule: 'default', amount: PRICE })
    const evidence = JSON.parse(entry?.body ?? '')
    expect(evidence).toMatchObject({ keyId: agent.key.keyId, algorithm: 'ed25519' })
    expect(evidence.base).toContain(`"payment-signature": ${commitment(offer)}`)
  })

  it('makes one call to the ledger and looks up no known agent', async () => {
    const agent = await newAgent()
    const { calls, ask } = openCreditShop()
    const offer = await creditOffer(shop)
    await ask('/a', await agent.commit('/a', offer))
    calls.length = 0
    await ask('/b', await agent.commit('/b', offer))
    expect(calls.toSorted()).toEqual(['LINES.place', 'SITE.fetch'])
  })

  it('is accepted without an earlier 402', async () => {
    const agent = await newAgent()
    const terms = {
      scheme: 'batch-settlement',
      network: NETWORK,
      amount: '1000',
      asset: 'USD',
      payTo: 'merchant',
    }
    expect((await shop.ask('/a', await agent.commit('/a', terms))).status).toBe(200)
    expect(await agent.standing()).toMatchObject({ charged: PRICE })
  })

  it('is accepted from an agent registered by key only', async () => {
    const agent = await newAgent({}, { named: false })
    const response = await shop.ask('/a', await agent.commit('/a', await creditOffer(shop)))
    expect(receiptOf(response)).toMatchObject({ success: true, payer: agent.id })
  })

  it.each([
    ['over less', { amount: '999' }, 'price_not_acceptable'],
    ['over more', { amount: '1001' }, 'price_not_acceptable'],
    ['in another asset', { asset: 'EUR' }, 'invalid_payment_signature'],
    ['to another payee', { payTo: 'somebody' }, 'price_not_acceptable'],
    ['for a longer time', { maxTimeoutSeconds: 9999 }, 'price_not_acceptable'],
    ['in another unit', { extra: { unit: 'cent' } }, 'price_not_acceptable'],
    ['without an amount', { amount: '1e3' }, 'invalid_payment_signature'],
    ['on another network', { network: 'other:402' }, 'No matching payment requirements'],
  ])('%s is rejected', async (_, change, error) => {
    const agent = await newAgent()
    const offer = { ...(await creditOffer(shop)), ...change }
    const response = await shop.ask('/a', await agent.commit('/a', offer))
    expect([response.status, await errorOf(response)]).toEqual([402, error])
    expect(await agent.standing()).toMatchObject({ charged: 0n })
  })

  it('with different amounts in payload and accepted offer is rejected', async () => {
    const agent = await newAgent()
    const accepted = await creditOffer(shop)
    const two = encodeHeader({ x402Version: 2, payload: { amount: '1', asset: 'USD' }, accepted })
    const request = await agent.commit('/a', accepted, { headers: { 'Payment-Signature': two } })
    const response = await shop.ask('/a', request)
    expect([response.status, await errorOf(response)]).toEqual([402, 'price_not_acceptable'])
  })

  it('charges the tier’s price for an offer at the list price or at the tier’s price', async () => {
    const tiered = openCreditShop({ CREDIT_TIERS: { partner: '80%' } })
    const agent = await newAgent({ tier: 'partner' })
    const offer = await creditOffer(tiered)
    const listed = await tiered.ask('/a', await agent.commit('/a', offer))
    expect(receiptOf(listed).amount).toBe('800')
    await tiered.ask('/b', await agent.commit('/b', { ...offer, amount: '800' }))
    expect(await agent.standing()).toMatchObject({ authorized: 1800n, charged: 1600n })
  })

  it('charges cents, rounded up, on Cloudflare’s network', async () => {
    const cents = openCreditShop({ CREDIT_NETWORK: 'cloudflare:402' })
    const agent = await newAgent()
    const offer = await creditOffer(cents)
    expect(offer).toMatchObject({ amount: '1', extra: { version: '1.0.0', unit: 'cent', rounding: 'up' } })
    const response = await cents.ask(
      '/a',
      await agent.commit('/a', { ...offer, extra: { version: '1.0.0' } }),
    )
    expect(receiptOf(response)).toMatchObject({ network: 'cloudflare:402', amount: '1' })
    expect(await agent.standing()).toMatchObject({ charged: 10_000n })
  })

  it('accepts the unquoted Signature-Agent of the x402 example on Cloudflare’s network only', async () => {
    const cents = openCreditShop({ CREDIT_NETWORK: 'cloudflare:402' })
    const agent = await newAgent()
    const headers = { 'Signature-Agent': new URL(agent.host).host }
    const bare = async (at: typeof shop) => {
      const offer = await creditOffer(at)
      return (await at.ask('/a', await agent.commit('/a', offer, { headers }))).status
    }
    expect([await bare(cents), await bare(shop)]).toEqual([200, 402])
  })
})

describe('Commitment with a used signature', () => {
  it('replays the same page for free [C3]', async () => {
    const agent = await newAgent()
    const request = await agent.commit('/a', await creditOffer(shop))
    const [first, second] = [await shop.ask('/a', request), await shop.ask('/a', request)]
    expect([first.status, second.status]).toEqual([200, 200])
    expect(receiptOf(second)).toEqual(receiptOf(first))
    expect(await agent.standing()).toMatchObject({ charged: PRICE })
  })

  it('returns tab_replayed for another page, also without path and nonce in the signature [C3]', async () => {
    const agent = await newAgent()
    const request = await agent.commit('/a', await creditOffer(shop), { covers: [], nonce: null })
    expect((await shop.ask('/a', request)).status).toBe(200)
    const other = await shop.ask('/b', request)
    expect([other.status, await errorOf(other)]).toEqual([402, 'tab_replayed'])
    expect(await agent.standing()).toMatchObject({ charged: PRICE })
  })

  it('is charged once for 20 concurrent uses [C3]', async () => {
    const agent = await newAgent()
    const request = await agent.commit('/a', await creditOffer(shop))
    const responses = await Promise.all(Array.from({ length: 20 }, () => shop.ask('/a', request)))
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(await agent.standing()).toMatchObject({ charged: PRICE })
  })

  it('returns tab_replayed for another page with the same nonce [C3]', async () => {
    const agent = await newAgent()
    const offer = await creditOffer(shop)
    const nonce = generateNonce()
    await shop.ask('/a', await agent.commit('/a', offer, { nonce }))
    const again = await shop.ask('/b', await agent.commit('/b', offer, { nonce }))
    expect([again.status, await errorOf(again)]).toEqual([402, 'tab_replayed'])
  })
})

describe('Commitment with an invalid signature', () => {
  const expectRefused = async (
    response: Response,
    error: string,
    agent: Awaited<ReturnType<typeof newAgent>>,
  ) => {
    expect([response.status, await errorOf(response)]).toEqual([402, error])
    expect(await agent.standing()).toMatchObject({ charged: 0n })
  }

  it('is rejected when the signature does not cover the payment', async () => {
    const agent = await newAgent()
    const headers = { 'Payment-Signature': commitment(await creditOffer(shop)) }
    await expectRefused(await shop.ask('/a', await agent.sign('/a', { headers })), 'invalid_signature', agent)
  })

  it('is rejected when the signature is missing', async () => {
    const agent = await newAgent()
    const payment = commitment(await creditOffer(shop))
    await expectRefused(await shop.ask('/a', { payment }), 'invalid_signature', agent)
  })

  it.each([
    ['too late', { created: -120 }],
    ['too early', { created: 60 }],
    ['for too long', { lasts: 301 }],
  ])('is rejected when signed %s [C2]', async (_, signing) => {
    const agent = await newAgent()
    const request = await agent.commit('/a', await creditOffer(shop), signing)
    await expectRefused(await shop.ask('/a', request), 'invalid_signature', agent)
  })

  it('charges neither agent when one signs under the other’s name [C4]', async () => {
    const [one, other] = [await newAgent(), await newAgent()]
    const headers = { 'Signature-Agent': `"${other.host}"` }
    const request = await one.commit('/a', await creditOffer(shop), { headers })
    await expectRefused(await shop.ask('/a', request), 'invalid_signature', one)
    expect(await other.standing()).toMatchObject({ charged: 0n })
  })

  it('is rejected when signed for another host [C11]', async () => {
    const agent = await newAgent()
    const offer = await creditOffer(shop)
    const request = await agent.commit('/a', offer, { covers: [], url: 'https://elsewhere.test/a' })
    await expectRefused(await shop.ask('/a', request), 'invalid_signature', agent)
    const spoofed = { ...request, headers: { ...request.headers, 'X-Forwarded-Host': 'elsewhere.test' } }
    await expectRefused(await shop.ask('/a', spoofed), 'invalid_signature', agent)
    const cased = await agent.commit('/a', offer, { covers: [], url: 'https://SITE.test:443/a' })
    expect((await shop.ask('/a', cased)).status).toBe(200)
  })

  it('is rejected when the body is not the signed one [C12]', async () => {
    const agent = await newAgent()
    const offer = await creditOffer(shop)
    const digest = async (text: string) => {
      const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
      return `sha-256=:${btoa(String.fromCharCode(...new Uint8Array(hash)))}:`
    }
    const headers = { 'Content-Digest': await digest('one') }
    const signing = { method: 'POST', body: 'one', headers, covers: ['content-digest'] }
    const request = await agent.commit('/a', offer, signing)
    await expectRefused(await shop.ask('/a', { ...request, body: 'two' }), 'invalid_signature', agent)
    const uncovered = await agent.commit('/a', offer, { method: 'POST', body: 'one' })
    await expectRefused(await shop.ask('/a', uncovered), 'invalid_signature', agent)
    expect((await shop.ask('/a', request)).status).toBe(200)
  })

  it('is rejected before the Worker reads the body', async () => {
    const agent = await newAgent()
    let pulled = 0
    const body = () =>
      new ReadableStream(
        {
          pull(controller) {
            pulled++
            controller.enqueue(new Uint8Array(1 << 16))
            if (pulled === 32) controller.close()
          },
        },
        { highWaterMark: 0 },
      )
    const offer = await creditOffer(shop)
    const digest = { 'Content-Digest': `sha-256=:${btoa('0'.repeat(32))}:` }
    const signing = { method: 'POST', body: 'one', headers: digest, covers: ['content-digest'] }
    const good = await agent.commit('/a', offer, signing)
    const forged = { ...good.headers, 'Content-Digest': `sha-256=:${btoa('1'.repeat(32))}:` }
    const response = await shop.ask('/a', { ...good, headers: forged, body: body() })
    expect([response.status, pulled]).toEqual([402, 0])
    const held = await shop.ask('/a', { ...good, body: body() })
    expect([held.status, await errorOf(held), pulled > 16]).toEqual([413, 'tab_body_too_large', true])
  })

  it('returns 408 for a body that takes over two minutes, before the nonce window ends [C3]', async () => {
    const agent = await newAgent()
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('one'))
    const digest = `sha-256=:${btoa(String.fromCharCode(...new Uint8Array(hash)))}:`
    const signing = { method: 'POST', body: 'one', headers: { 'Content-Digest': digest } }
    const offer = await creditOffer(shop)
    const request = await agent.commit('/a', offer, { ...signing, covers: ['content-digest'] })
    const now = Date.now
    const body = new ReadableStream(
      {
        pull(controller) {
          vi.spyOn(Date, 'now').mockImplementation(() => now() + 121_000)
          controller.enqueue(new TextEncoder().encode('one'))
          controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    const held = await shop.ask('/a', { ...request, body }).finally(() => vi.restoreAllMocks())
    expect([held.status, await errorOf(held)]).toEqual([408, 'tab_body_too_slow'])
    expect(await agent.standing()).toMatchObject({ charged: 0n })
    expect((await shop.ask('/a', request)).status).toBe(200)
  })

  it('returns signature_agent_unknown when the agent is not registered', async () => {
    const agent = await newAgent()
    const headers = { 'Signature-Agent': '"https://unknown.example"' }
    const request = await agent.commit('/a', await creditOffer(shop), { headers })
    await expectRefused(await shop.ask('/a', request), 'signature_agent_unknown', agent)
  })

  it('returns 503 and charges nothing when the agent’s keys cannot be read [C6]', async () => {
    const agent = await newAgent({}, { published: true })
    const response = await shop.ask('/a', await agent.commit('/a', await creditOffer(shop)))
    expect([response.status, await errorOf(response)]).toEqual([503, 'server_error'])
    expect(response.headers.get('retry-after')).not.toBeNull()
    expect(await agent.standing()).toMatchObject({ charged: 0n })
  })

  it('reads the registry within the rate limit for unknown agents [H1]', async () => {
    let asked = 0
    const limited = openCreditShop({ AGENT_READS: { limit: async () => ({ success: ++asked <= 2 }) } })
    const offer = await creditOffer(limited)
    const statuses: number[] = []
    for (let i = 0; i < 4; i++) {
      const agent = await newAgent()
      const headers = { 'Signature-Agent': `"https://unknown-${i}.example"` }
      statuses.push((await limited.ask('/a', await agent.commit('/a', offer, { headers }))).status)
    }
    expect(statuses).toEqual([402, 402, 503, 503])
    expect(limited.calls.filter((call) => call === 'AGENTS.find')).toHaveLength(2)
  })
})

describe('Commitment without available credit', () => {
  it('is charged for one of 200 concurrent requests when there is room for one [C9]', async () => {
    const agent = await newAgent({ limit: PRICE, probation: PRICE })
    const offer = await creditOffer(shop)
    const responses = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => shop.ask(`/${i}`, await agent.commit(`/${i}`, offer))),
    )
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(responses.filter(({ status }) => status === 402)).toHaveLength(199)
    expect(await agent.standing()).toMatchObject({ charged: PRICE })
  })

  it('is rejected beyond the initial credit limit [C10]', async () => {
    const agent = await newAgent({ limit: 1_000_000n, probation: PRICE })
    const offer = await creditOffer(shop)
    expect((await shop.ask('/a', await agent.commit('/a', offer))).status).toBe(200)
    const second = await shop.ask('/b', await agent.commit('/b', offer))
    expect([second.status, await errorOf(second)]).toEqual([402, 'payment_failed'])
  })

  it('returns 402 with the offers for wallets only', async () => {
    const agent = await newAgent({ limit: 1n, probation: 1n })
    const refused = await shop.ask('/a', await agent.commit('/a', await creditOffer(shop)))
    expect(requiredOf(refused).accepts.map(({ network }) => network)).toEqual([
      'eip155:84532',
      'eip155:84532',
    ])
    expect(requiredOf(refused).extensions).toBeUndefined()
    expect(refused.headers.has('crawler-price')).toBe(false)
  })

  it('is rejected at once after a suspension, in spite of cached agents', async () => {
    const agent = await newAgent()
    const offer = await creditOffer(shop)
    await shop.ask('/a', await agent.commit('/a', offer))
    await env.AGENTS.getByName('agents').suspend(agent.id, 'asked to', 'test')
    const refused = await shop.ask('/b', await agent.commit('/b', offer))
    expect([refused.status, await errorOf(refused)]).toEqual([402, 'payment_failed'])
  })
})
