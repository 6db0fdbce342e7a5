/** The sitemaps of DATES, read by the cron. */
import { env } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { refresh } from '../../../src/app/refresh.ts'
import { readConfig } from '../../../src/config/config.ts'
import { NIGHTLY, WATCH } from '../../../src/settlement/schedule.ts'

const SITEMAP = 'https://site.test/news.xml'
const VARS = {
  MODE: 'shadow',
  ORIGIN: 'zone',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.001',
  DATES: { sitemap: SITEMAP },
  RULES: [{ action: 'charge', age: { under: '24h' } }],
}

afterEach(() => {
  vi.restoreAllMocks()
})

/** Fires a cron at a minute past five, and returns how often the sitemap was asked for. */
async function fire(cron: string, minutes: number): Promise<number> {
  let asked = 0
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    const isSitemap = input instanceof Request && input.url === SITEMAP
    if (isSitemap) asked++
    return new Response('<urlset></urlset>', { status: isSitemap ? 200 : 503 })
  })
  vi.spyOn(console, 'warn').mockReturnValue()
  const bindings = { ...env, ...VARS }
  const read = readConfig(bindings)
  expect(read.ok ? [] : read.problems).toEqual([])
  await refresh({ cron, scheduledTime: Date.UTC(2026, 10, 27, 5, minutes) }, bindings)
  return asked
}

describe('refresh', () => {
  it('reads the sitemaps at every third watch, and never at the nightly firing beside one', async () => {
    const asked = [await fire(NIGHTLY, 0)]
    for (const minutes of [0, 5, 10, 15, 20]) asked.push(await fire(WATCH, minutes))
    expect(asked).toEqual([0, 1, 0, 0, 1, 0])
  })
})
