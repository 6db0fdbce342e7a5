import { describe, expect, it } from 'vitest'
import { fetchLists, shippedLists } from '../../src/cli/lists.ts'

const NOW = Date.UTC(2026, 10, 27)

describe('the lists of one run', () => {
  it('confirm and refute names of operators whose list was fetched, and no others', async () => {
    const fetch = async (url: string) =>
      url === 'https://openai.com/gptbot.json'
        ? Response.json({ prefixes: [{ ipv4Prefix: '192.0.2.0/24' }] })
        : new Response(null, { status: 404 })
    const published = await fetchLists({ fetch, now: () => NOW })
    expect([
      published('GPTBot', '192.0.2.7'),
      published('GPTBot', '198.51.100.7'),
      published('ChatGPT-User', '198.51.100.7'),
      published('AcmeBot', '192.0.2.7'),
    ]).toEqual(['listed', 'unlisted', 'unknown', 'unknown'])
  })

  it('refute nothing where they are those of the package', () => {
    expect(shippedLists()('GPTBot', '198.51.100.7')).toBe('unknown')
  })
})
