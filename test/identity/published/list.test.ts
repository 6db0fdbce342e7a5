import { describe, expect, it } from 'vitest'
import { learnList, MAX_PREFIXES, readList } from '../../../src/identity/published/list.ts'
import { publishedIn, REFUTES_FOR_MS, type StoredLists } from '../../../src/identity/published/published.ts'
import { rangeOf } from '../../../src/identity/published/ranges.ts'
import { SHIPPED, SOURCES } from '../../../src/identity/published/sources.ts'

const NOW = 1_790_000_000_000
const GPTBOT = 'https://openai.com/gptbot.json'

function text(...prefixes: string[]): string {
  return JSON.stringify({
    creationTime: '2026-11-20T00:00:00',
    prefixes: prefixes.map((prefix) =>
      prefix.includes(':') ? { ipv6Prefix: prefix } : { ipv4Prefix: prefix },
    ),
  })
}

function many(count: number): string {
  return text(...Array.from({ length: count }, (_, at) => `10.${at >> 8}.${at & 255}.0/24`))
}

describe('readList', () => {
  it('reads prefixes of both versions', () => {
    expect(readList(text('192.0.2.0/24', '2001:db8::/32'))).toMatchObject({ prefixes: 2 })
    expect(readList('{"prefixes":[{"ip_prefix":"192.0.2.0/24"}]}')).toMatchObject({ prefixes: 1 })
  })

  it.each([
    ['text that is not JSON', '<html>', 'it must be JSON with a list of prefixes'],
    ['JSON null', 'null', 'it must be JSON with a list of prefixes'],
    ['a list without its object', '[]', 'it must be JSON with a list of prefixes'],
    ['prefixes that are not a list', '{"prefixes":{}}', 'it must be JSON with a list of prefixes'],
    ['an empty list', '{"prefixes":[]}', 'it must list a prefix'],
    [
      'an entry of another shape',
      '{"prefixes":["192.0.2.0/24"]}',
      'each entry must be an IPv4 or IPv6 prefix',
    ],
    ['an entry null', '{"prefixes":[null]}', 'each entry must be an IPv4 or IPv6 prefix'],
    ['a mistyped prefix', text('192.0.2.0/24', '192.0.2/24'), 'each entry must be an IPv4 or IPv6 prefix'],
    ['the whole internet', text('0.0.0.0/0'), 'each prefix must have at least 8 bits'],
    ['a prefix of 7 bits', text('2000::/7'), 'each prefix must have at least 8 bits'],
  ])('refuses %s', (_, list, fault) => {
    expect(readList(list)).toEqual({ fault })
  })

  it('accepts a prefix of 8 bits', () => {
    expect(readList(text('17.0.0.0/8'))).toMatchObject({ prefixes: 1 })
  })

  it('accepts 5,000 prefixes and refuses 5,001', () => {
    expect(readList(many(MAX_PREFIXES))).toMatchObject({ prefixes: 5000 })
    expect(readList(many(MAX_PREFIXES + 1))).toEqual({ fault: 'it must list at most 5000 prefixes' })
  })
})

describe('learnList', () => {
  const { list: known } = learnList(undefined, readList(many(10)), NOW)

  it('stores a new list with its time', () => {
    expect(known).toMatchObject({ prefixes: 10, fetchedAt: NOW, triedAt: NOW })
  })

  it('accepts half of the prefixes and refuses less, keeping the last good list', () => {
    expect(learnList(known, readList(many(5)), NOW + 1)).toMatchObject({ list: { prefixes: 5 } })
    expect(learnList(known, readList(many(4)), NOW + 1)).toEqual({
      list: { ...known, triedAt: NOW + 1 },
      fault: 'it must not shrink by half: 4 prefixes after 10',
    })
  })

  it('keeps the last good list when a fetch fails', () => {
    expect(learnList(known, { fault: 'down' }, NOW + 1)).toEqual({
      list: { ...known, triedAt: NOW + 1 },
      fault: 'down',
    })
  })
})

describe('publishedIn', () => {
  const stored = (...prefixes: string[]): StoredLists => ({
    [GPTBOT]: learnList(undefined, readList(text(...prefixes)), NOW).list,
  })
  const at = (now: number, lists: StoredLists) => publishedIn(lists, () => now)

  it('lists an address in the stored list of a crawler, and no other', () => {
    const published = at(NOW, stored('192.0.2.0/24'))
    expect(published('GPTBot', '192.0.2.1')).toBe('listed')
    expect(published('GPTBot', '192.0.3.1')).toBe('unlisted')
    expect(published('ClaudeBot', '192.0.2.1')).toBe('unknown')
  })

  it('refutes nothing from a list that is older than seven days, and still confirms', () => {
    const lists = stored('192.0.2.0/24')
    expect(at(NOW + REFUTES_FOR_MS, lists)('GPTBot', '192.0.3.1')).toBe('unlisted')
    expect(at(NOW + REFUTES_FOR_MS + 1, lists)('GPTBot', '192.0.3.1')).toBe('unknown')
    expect(at(NOW + REFUTES_FOR_MS + 1, lists)('GPTBot', '192.0.2.1')).toBe('listed')
  })

  it('answers an address again as the first time, until its list is too old', () => {
    let now = NOW
    const published = publishedIn(stored('192.0.2.0/24'), () => now)
    const asked = () => ['192.0.2.1', '192.0.3.1', 'none'].map((address) => published('GPTBot', address))
    expect(asked()).toEqual(['listed', 'unlisted', 'unknown'])
    for (let other = 0; other < 1_100; other++) published('GPTBot', `198.51.${other >> 8}.${other & 255}`)
    expect(asked()).toEqual(['listed', 'unlisted', 'unknown'])
    now = NOW + REFUTES_FOR_MS + 1
    expect(asked()).toEqual(['listed', 'unknown', 'unknown'])
  })

  it('refutes nothing while one of two lists of a crawler is missing', () => {
    const [one, other] = SOURCES.filter(({ crawlers }) => crawlers.includes('Feedfetcher-Google'))
    const { list } = learnList(undefined, readList(text('192.0.2.0/24')), NOW)
    const first = { [one?.url ?? '']: list }
    expect(at(NOW, first)('Feedfetcher-Google', '192.0.3.1')).toBe('unknown')
    expect(at(NOW, { ...first, [other?.url ?? '']: list })('Feedfetcher-Google', '192.0.3.1')).toBe(
      'unlisted',
    )
  })

  it('says nothing about a crawler without a list or an address that is none', () => {
    const published = at(NOW, stored('192.0.2.0/24'))
    expect(published('Bytespider', '192.0.2.1')).toBe('unknown')
    expect(published('GPTBot', 'unknown')).toBe('unknown')
    expect(published('constructor', '192.0.2.1')).toBe('unknown')
  })

  it('confirms from the shipped copy and refutes nothing from it', () => {
    const published = at(NOW, {})
    expect(published('Googlebot', '66.249.66.1')).toBe('listed')
    expect(published('Googlebot', '192.0.2.1')).toBe('unknown')
  })

  it('ignores the shipped copy once a list is stored, and keeps it while no fetch succeeded', () => {
    const [shipped = ''] = (SHIPPED[GPTBOT] ?? '').split(' ')
    const inside = shipped.replace(/\/.*/, '')
    expect(at(NOW, {})('GPTBot', inside)).toBe('listed')
    expect(at(NOW, stored('192.0.2.0/24'))('GPTBot', inside)).toBe('unlisted')
    const { list } = learnList(undefined, { fault: 'down' }, NOW)
    expect(at(NOW, { [GPTBOT]: list })('GPTBot', inside)).toBe('listed')
    expect(at(NOW, { [GPTBOT]: list })('GPTBot', '192.0.2.1')).toBe('unknown')
  })
})

describe('the shipped copy', () => {
  it('holds only prefixes of lists that we fetch', () => {
    const urls = SOURCES.map(({ url }) => url)
    for (const [url, prefixes] of Object.entries(SHIPPED)) {
      expect(urls).toContain(url)
      for (const prefix of prefixes.split(' ')) expect(rangeOf(prefix)?.length, prefix).toBeGreaterThan(15)
    }
  })

  it('comes from lists at https addresses', () => {
    for (const { url } of SOURCES) expect(url).toMatch(/^https:\/\//)
  })
})
