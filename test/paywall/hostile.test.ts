/** D13, B8, B9: payment headers that nobody should send. Each gets a reason, costs nothing, and opens nothing. */
import fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { encodeHeader } from '../../src/protocol/x402/header.ts'
import { altered, errorOf, newRegular, openShop, PRICE } from '../schemes/harness.ts'
import vectors from '../vectors/payments.json'

const shop = openShop()

beforeEach(() => {
  shop.calls.length = 0
})

/** What a header may hold; other bytes are for raw sockets (test/journeys). */
const bytes = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
})
const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))
/** JSON that a payment might be mistaken for, by hand: keys twice, numbers that are none, deep, wide. */
const JSONS = [
  '{}',
  '[]',
  'null',
  'true',
  '0',
  '""',
  '{"x402Version":2}',
  '{"x402Version":2,"accepted":null,"payload":null}',
  '{"x402Version":2,"accepted":{},"payload":{}}',
  '{"x402Version":1e999,"accepted":{},"payload":{}}',
  '{"x402Version":-0}',
  '{"x402Version":"2"}',
  '{"x402Version":[2]}',
  '{"x402Version":2.0000000000000001}',
  '{"x402Version":3}',
  '{"x402Version":1,"scheme":"exact","network":"base-sepolia","payload":{}}',
  '{"x402Version":2,"x402Version":1}',
  '{"__proto__":{"x402Version":2}}',
  '{"constructor":{"prototype":{"x402Version":2}}}',
  '{"x402Version":2,"accepted":{"scheme":"exact"},"payload":{"toString":1}}',
  `{"x402Version":2,"a":${'['.repeat(2000)}${']'.repeat(2000)}}`,
  `${'{"a":'.repeat(900)}1${'}'.repeat(900)}`,
  `{"x402Version":2,"accepts":[${Array(2000).fill('0').join()}]}`,
  '\ufeff{"x402Version":2}',
  '{"x402Version":2}\u0000',
  '{"x402Version":2}{"x402Version":2}',
  '{"x402Version":2,}',
  "{'x402Version':2}",
  '{"x402Version":2,"accepted":{"scheme":"\\ud800"}}',
]

/** The recorded payments of real clients, for other payers, places and times. */
const recorded = vectors.payments.map(({ header }) => header)

/** Refused with a reason, asking nobody; and never by a fault. */
async function refusedUnasked(init: { payment?: string; v1?: string }, where = '') {
  shop.calls.length = 0
  const response = await shop.ask('/page', init)
  const error = await errorOf(response)
  expect(response.status, `${where} ${error}`).toBeOneOf([400, 402])
  expect(error, where).toBeTypeOf('string')
  expect(response.headers.get('cache-control'), where).toBe('no-store')
  expect(response.headers.has('payment-response'), where).toBe(false)
  expect(shop.calls, where).toEqual([])
  return { status: response.status, error }
}

describe('a payment header [D13]', () => {
  it.each(JSONS)('of %s is refused unasked', async (json) => {
    for (const header of [json, base64(json)]) {
      // A header holds no control characters and no byte order mark: the platform itself refuses them.
      if (/[^\x20-\x7e]/.test(header)) continue
      await refusedUnasked({ payment: header })
      await refusedUnasked({ v1: header })
    }
  })

  it.each([8192, 8193, 16_384, 1 << 20])(
    'of %s characters is refused before it is decoded, when it is above 8 KB',
    async (length) => {
      const decodes = vi.spyOn(globalThis, 'atob')
      const { error } = await refusedUnasked({ payment: 'A'.repeat(length) })
      expect(error).toBe(length > 8192 ? 'tab_header_too_large' : 'invalid_payload')
      if (length > 8192) expect(decodes.mock.calls.filter(([text]) => text.length === length)).toEqual([])
      decodes.mockRestore()
    },
  )

  it('in another base64 than the standard one is refused: URL-safe, unpadded, with spaces, with stray bits', async () => {
    const crawler = await newRegular(shop)
    const good = await crawler.owes(2n * PRICE)
    const unpadded = good.replace(/=+$/, '')
    const padded = base64(`${atob(good)} `.padEnd(Math.ceil((atob(good).length + 2) / 3) * 3 + 1))
    for (const header of [
      good.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
      `${good.slice(0, 8)} ${good.slice(8)}`,
      `${good}=`,
      `${good}====`,
      padded.replace(/=+$/, ''),
      padded.replace(/.(=+)$/, 'B$1'),
      `"${good}"`,
      `${good},${good}`,
      `=?utf-8?B?${good}?=`,
      unpadded === good ? `${good}A` : unpadded,
    ]) {
      if (header !== good)
        expect((await refusedUnasked({ payment: header }, header.slice(-20))).status).toBe(400)
    }
    expect((await shop.ask('/page', { payment: good })).status).toBe(200)
  })

  it('that somebody recorded elsewhere is refused unasked', async () => {
    for (const header of recorded) await refusedUnasked({ payment: header })
    for (const header of recorded) await refusedUnasked({ v1: header })
  })

  it('of v1 is held against v1, of v2 against v2', async () => {
    const crawler = await newRegular(shop)
    const payment = await crawler.pays()
    await refusedUnasked({ v1: payment })
    await refusedUnasked({ payment: altered(payment, 'x402Version', 1) })
  })

  it('beside one that is good is not chosen because it is easier: v2 counts', async () => {
    const crawler = await newRegular(shop)
    const payment = await crawler.owes(2n * PRICE)
    expect((await shop.ask('/page', { payment, v1: 'junk' })).status).toBe(200)
    await refusedUnasked({ payment: 'junk', v1: payment })
  })
})

describe('any header at all', () => {
  it('of bytes is refused unasked', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (text, v1) => {
        const header = text.trim()
        await refusedUnasked(v1 ? { v1: header || '?' } : { payment: header || '?' })
      }),
      { numRuns: 300 },
    )
  })

  it('of any JSON is refused unasked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 6 }), async (json) => {
        await refusedUnasked({ payment: base64(json) })
      }),
      { numRuns: 300 },
    )
  })

  it('that is a good one with any of its values changed is refused, or means the same', async () => {
    const crawler = await newRegular(shop)
    const headers = [
      await crawler.owes(5n * PRICE),
      await crawler.deposits(50_000n, 5n * PRICE),
      await crawler.takesBack(5n * PRICE),
      await crawler.pays(PRICE + 1n),
    ]
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(
        undefined,
        '',
        '0',
        '-1',
        '0x',
        '1e9',
        2 ** 53,
        -1,
        1.5,
        [],
        {},
        String((1n << 128n) - 1n),
      ),
      fc.constantFrom(
        'exact',
        'batch-settlement',
        'eip155:1',
        'eip155:84532',
        `0x${'0'.repeat(40)}`,
        `0x${'f'.repeat(64)}`,
      ),
      fc.bigInt().map(String),
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...headers), fc.nat(99), value, async (header, which, value) => {
        const paths = leavesOf(JSON.parse(atob(header)) as object)
        const path = paths[which % paths.length] ?? 'x402Version'
        const payment = altered(header, path, value)
        const response = await shop.ask('/page', { payment })
        // None of them follows from what is charged: at best they are corrected.
        expect(response.status, `${path} ${JSON.stringify(value)}`).toBeOneOf([400, 402])
        expect(response.headers.has('payment-response')).toBe(false)
        expect(await response.text()).not.toContain('origin.internal')
      }),
      { numRuns: 300 },
    )
    expect(await crawler.account().standing()).toMatchObject({ charged: PRICE, unresolved: null })
  }, 60_000)

  it('does not end the Worker: after it, what is good is good', async () => {
    const crawler = await newRegular(shop)
    await refusedUnasked({ payment: encodeHeader({ x402Version: 2 }) })
    expect((await shop.ask('/page', { payment: await crawler.owes(2n * PRICE) })).status).toBe(200)
  })
})

/** The paths of all that can be changed in a payment. */
function leavesOf(value: object, path: string[] = []): string[] {
  return Object.entries(value).flatMap(([key, inner]) => [
    [...path, key].join('.'),
    ...(typeof inner === 'object' && inner !== null ? leavesOf(inner as object, [...path, key]) : []),
  ])
}
