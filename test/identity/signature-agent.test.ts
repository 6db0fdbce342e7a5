import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readInputs, type Signature } from '../../src/identity/signature.ts'
import { claimedAgent, readAgentUrl, WELL_KNOWN } from '../../src/identity/signature-agent.ts'
import { runs } from '../runs.ts'

const HOST = 'https://crawler.example'

/** The agent that a request claims, given the components its signature covers. */
function claim(
  field: string | null,
  components: string,
  { label = 'sig1', bare = false } = {},
): string | null {
  const input = readInputs(`s=(${components})`)?.get('s')
  if (!input) throw new Error('no input')
  const headers = new Headers(field === null ? {} : { 'Signature-Agent': field })
  const agent = claimedAgent(headers, { ...input, label } as Signature, bare)
  return agent !== null && typeof agent === 'object' ? `flaw: ${agent.flaw}` : agent
}

describe('claimedAgent', () => {
  it.each([
    ['a string', `"${HOST}"`, '"signature-agent"'],
    ['a dictionary member', `sig1="${HOST}"`, '"signature-agent";key="sig1"'],
    ['a whole dictionary', `sig1="${HOST}"`, '"signature-agent"'],
    ['a dictionary with a type', `sig1="${HOST}";type=directory`, '"signature-agent";key="sig1"'],
    ['a dictionary with a type in quotes', `sig1="${HOST}";type="directory"`, '"signature-agent";key="sig1"'],
    ['a member with another key', `g="${HOST}"`, '"signature-agent";key="g"'],
    ['a whole dictionary with another key', `g="${HOST}"`, '"signature-agent"'],
    ['a string with a type', `"${HOST}";type=directory`, '"signature-agent"'],
  ])('returns the well-known URL for %s: %s, covered by %s', (_, field, components) => {
    expect(claim(field, components)).toBe(`${HOST}${WELL_KNOWN}`)
  })

  it.each([
    ['a JWK Set', `sig1="${HOST}/jwks.json";type=jwks_uri`, `${HOST}/jwks.json`],
    ['a JWK Set at the root', `sig1="${HOST}/";type=jwks_uri`, `${HOST}/`],
    ['a card', `sig1="${HOST}/card";type=cimd`, `${HOST}/card`],
    ['a path of its own', `sig1="${HOST}/keys?v=2"`, `${HOST}/keys`],
  ])('returns the URL as given, without its query, for %s: %s', (_, field, url) => {
    expect(claim(field, '"signature-agent";key="sig1"')).toBe(url)
  })

  it('picks the member with the label of the signature, or the only one covered', () => {
    const field = `a="https://a.example", b="https://b.example"`
    const both = '"signature-agent";key="a" "signature-agent";key="b"'
    expect(claim(field, both, { label: 'b' })).toBe(`https://b.example${WELL_KNOWN}`)
    expect(claim(field, '"signature-agent"', { label: 'a' })).toBe(`https://a.example${WELL_KNOWN}`)
    expect(claim(field, '"signature-agent";key="b"', { label: 'x' })).toBe(`https://b.example${WELL_KNOWN}`)
    expect(claim(field, both, { label: 'x' })).toBe('flaw: agent_ambiguous')
    expect(claim(field, '"signature-agent"', { label: 'x' })).toBe('flaw: agent_ambiguous')
  })

  it.each([
    ['nothing covered', `sig1="${HOST}"`, '"@authority"', 'flaw: agent_not_covered'],
    ['a member of a string', `"${HOST}"`, '"signature-agent";key="sig1"', 'flaw: agent_not_covered'],
    ['a member that is not there', `a="${HOST}"`, '"signature-agent";key="sig1"', 'flaw: component_absent'],
    ['a field that is not structured', `${HOST}`, '"signature-agent"', 'flaw: agent_unreadable'],
    ['a token', 'sig1=crawler', '"signature-agent";key="sig1"', 'flaw: agent_unreadable'],
    ['a list', `sig1=("${HOST}")`, '"signature-agent";key="sig1"', 'flaw: agent_unreadable'],
    [
      'a member twice',
      `sig1="${HOST}", sig1="https://b.example"`,
      '"signature-agent"',
      'flaw: agent_unreadable',
    ],
    ['two strings', `"${HOST}", "https://b.example"`, '"signature-agent"', 'flaw: agent_unreadable'],
    ['text that is not a URL', 'sig1="crawler"', '"signature-agent";key="sig1"', 'flaw: agent_unreadable'],
    ['a path only', 'sig1="/keys"', '"signature-agent";key="sig1"', 'flaw: agent_unreadable'],
    ['3 KB', `sig1="${HOST}/${'x'.repeat(3000)}"`, '"signature-agent";key="sig1"', 'flaw: agent_unreadable'],
    ['http', 'sig1="http://crawler.example"', '"signature-agent";key="sig1"', 'flaw: agent_not_https'],
    ['data:', 'sig1="data:application/json,{}"', '"signature-agent";key="sig1"', 'flaw: agent_not_https'],
  ])('rejects %s: Signature-Agent %s, covered by %s, gives %s [C5]', (_, field, components, flaw) => {
    expect(claim(field, components)).toBe(flaw)
  })

  it.each([`sig1="${HOST}";type=other`, `sig1="${HOST}";v=1`, `sig1="${HOST}";type=directory;v=1`])(
    'returns null for a member with unknown parameters: %s',
    (field) => {
      expect(claim(field, '"signature-agent";key="sig1"')).toBeNull()
    },
  )

  it('returns null without a Signature-Agent', () => {
    expect(claim(null, '"@authority"')).toBeNull()
  })

  it('reads an unquoted host only if the site allows it and the whole field is covered', () => {
    const bare = { bare: true }
    expect(claim('crawler.example', '"signature-agent"')).toBe('flaw: agent_unreadable')
    expect(claim('crawler.example', '"signature-agent"', bare)).toBe(`${HOST}${WELL_KNOWN}`)
    expect(claim('crawler.example', '"signature-agent";key="a"', bare)).toBe('flaw: agent_not_covered')
    expect(claim('127.0.0.1', '"signature-agent"', bare)).toMatch(/^flaw/)
  })
})

describe('readAgentUrl', () => {
  it.each([
    ['https://Crawler.Example', `${HOST}${WELL_KNOWN}`],
    ['https://crawler.example:443/', `${HOST}${WELL_KNOWN}`],
    [`https://crawler.example${WELL_KNOWN}`, `${HOST}${WELL_KNOWN}`],
    ['https://crawler.example/a/../keys#x', `${HOST}/keys`],
    ['https://crawler.example/%7ekeys/%c3%a9', `${HOST}/~keys/%C3%A9`],
    ['https://bots.crawler.co.uk/keys/', 'https://bots.crawler.co.uk/keys/'],
  ])('reads %s as %s', (text, url) => {
    expect(readAgentUrl(text)).toEqual({ url })
    expect(readAgentUrl(url, 'jwks_uri')).toEqual({ url })
  })

  it.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://app.localhost/',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'https://router.home.arpa/',
    'https://intranet/',
    'https://crawler.example./',
    'https://crawler.example:8443/',
    'https://user@crawler.example/',
    'https://user:secret@crawler.example/',
    'https://crawler.example@evil.example/',
    'https://xn--crwler-4ve.example/',
    'https://cr\u0430wler.example/',
    'https://a_b.example/',
  ])('rejects %s as not_public [C5]', (text) => {
    expect(readAgentUrl(text)).toEqual({ fault: 'not_public' })
  })

  it.each(['', 'crawler.example', '//crawler.example', 'https://', 'https://a b/', 'https://1.2.3.4.5/'])(
    'rejects %j as not_a_url [C5]',
    (text) => {
      expect(readAgentUrl(text)).toEqual({ fault: 'not_a_url' })
    },
  )

  it.each(['%%41e', '%', '%4', '%g1', '%2%46'])('rejects the malformed escape %j as not_a_url', (path) => {
    expect(readAgentUrl(`https://crawler.example/${path}`)).toEqual({ fault: 'not_a_url' })
  })

  it('measures the canonical form too: what it accepts is at most 2048 characters', () => {
    const most = 2048 - 'https://crawler.example/'.length
    expect(readAgentUrl(`https://crawler.example/${'a'.repeat(most)}`)).toHaveProperty('url')
    expect(readAgentUrl(`https://crawler.example/${'"'.repeat(1000)}`)).toEqual({ fault: 'not_a_url' })
  })

  it('is idempotent: an accepted URL reads as itself, with and without a type', () => {
    const part = fc.oneof(
      fc.constantFrom(
        '%',
        '%4',
        '1',
        '%41',
        '%2e',
        '.',
        '/',
        '%2f',
        '%7E',
        '%e2',
        '?',
        '#',
        '"',
        '{',
        'ü',
        '\\',
      ),
      fc.string({ maxLength: 3 }),
    )
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 12 }),
        fc.constantFrom(undefined, 'jwks_uri'),
        (parts, type) => {
          const first = readAgentUrl(`${HOST}/${parts.join('')}`, type)
          if (!('url' in first)) return
          expect(readAgentUrl(first.url, 'jwks_uri')).toEqual(first)
          if (first.url !== `${HOST}/`) expect(readAgentUrl(first.url)).toEqual(first)
        },
      ),
      { numRuns: runs(2000) },
    )
  })

  it.each([
    'http://crawler.example',
    'data:,x',
    'file:///etc/passwd',
    'ftp://crawler.example',
    'javascript:1',
  ])('rejects %s as not_https [C5]', (text) => {
    expect(readAgentUrl(text)).toEqual({ fault: 'not_https' })
  })
})
