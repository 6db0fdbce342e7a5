/** D13, B8, B9: hostile payment headers. Each is refused with a reason, before any object or origin is called. */
import fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { encodeHeader } from '../../src/protocol/x402/header.ts'
import { altered, errorOf, newRegular, PRICE, startPaywall } from '../schemes/harness.ts'
import vectors from '../vectors/payments.json'

const shop = startPaywall()

beforeEach(() => {
  shop.calls.length = 0
})

/** Bytes that a header may hold; raw sockets send the others (test/journeys/raw.test.ts). */
const bytes = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
})
const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))
/** Hand-written JSON near a payment: repeated keys, invalid numbers, deep and wide values. */
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

/** Recorded payments of real clients, for other payers, sites and times. */
const recorded = vectors.payments.map(({ header }) => header)

/** Expects a refusal with a reason, before any object or origin is called. */
async function expectRefusal(init: { payment?: string; v1?: string }, where = '') {
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

describe('gate for a payment header', () => {
  it.each(JSONS)('rejects %s before calling anything [D13]', async (json) => {
    for (const header of [json, base64(json)]) {
      // The platform itself rejects headers with control characters or a byte order mark.
      if (/[^\x20-\x7e]/.test(header)) continue
      await expectRefusal({ payment: header })
      await expectRefusal({ v1: header })
    }
  })

  it.each([8192, 8193, 16_384, 1 << 20])(
    'rejects %s characters, without decoding them if above 8 KB [D13]',
    async (length) => {
      const decodes = vi.spyOn(globalThis, 'atob')
      const { error } = await expectRefusal({ payment: 'A'.repeat(length) })
      expect(error).toBe(length > 8192 ? 'tab_header_too_large' : 'invalid_payload')
      if (length > 8192) expect(decodes.mock.calls.filter(([text]) => text.length === length)).toEqual([])
      decodes.mockRestore()
    },
  )

  it('rejects base64 that is URL-safe, unpadded, spaced or has stray bits [D13]', async () => {
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
        expect((await expectRefusal({ payment: header }, header.slice(-20))).status).toBe(400)
    }
    expect((await shop.ask('/page', { payment: good })).status).toBe(200)
  })

  it('rejects payments recorded on other sites [D13]', async () => {
    for (const header of recorded) await expectRefusal({ payment: header })
    for (const header of recorded) await expectRefusal({ v1: header })
  })

  it('rejects a v2 payment in the v1 header and the reverse [D13]', async () => {
    const crawler = await newRegular(shop)
    const payment = await crawler.pays()
    await expectRefusal({ v1: payment })
    await expectRefusal({ payment: altered(payment, 'x402Version', 1) })
  })

  it('reads the v2 header when both are sent [D13]', async () => {
    const crawler = await newRegular(shop)
    const payment = await crawler.owes(2n * PRICE)
    expect((await shop.ask('/page', { payment, v1: 'junk' })).status).toBe(200)
    await expectRefusal({ payment: 'junk', v1: payment })
  })
})

describe('gate for a fuzzed payment header', () => {
  it('rejects any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (text, v1) => {
        const header = text.trim()
        await expectRefusal(v1 ? { v1: header || '?' } : { payment: header || '?' })
      }),
      { numRuns: 300 },
    )
  })

  it('rejects any JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 6 }), async (json) => {
        await expectRefusal({ payment: base64(json) })
      }),
      { numRuns: 300 },
    )
  })

  it('never charges for a valid payment with any one value changed', async () => {
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
        // No voucher among them follows from the amount charged: the best answer is a correction.
        expect(response.status, `${path} ${JSON.stringify(value)}`).toBeOneOf([400, 402])
        expect(response.headers.has('payment-response')).toBe(false)
        expect(await response.text()).not.toContain('origin.internal')
      }),
      { numRuns: 300 },
    )
    expect(await crawler.account().standing()).toMatchObject({ charged: PRICE, unresolved: null })
  }, 60_000)

  it('accepts a valid payment after a hostile one', async () => {
    const crawler = await newRegular(shop)
    await expectRefusal({ payment: encodeHeader({ x402Version: 2 }) })
    expect((await shop.ask('/page', { payment: await crawler.owes(2n * PRICE) })).status).toBe(200)
  })
})

/** The paths of all values in a payment. */
function leavesOf(value: object, path: string[] = []): string[] {
  return Object.entries(value).flatMap(([key, inner]) => [
    [...path, key].join('.'),
    ...(typeof inner === 'object' && inner !== null ? leavesOf(inner as object, [...path, key]) : []),
  ])
}
