import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/config.ts'
import { POLICY_TERMS } from '../../src/config/policy.ts'
import {
  MAX_DOCUMENT_CHARS,
  MAX_HOSTS,
  parsePublisher,
  parseSite,
  SITE_TERMS,
} from '../../src/sites/document.ts'

const SITE = { id: 'news', publisher: 'press', hosts: ['News.example.com.'] }

function placesOf(document: unknown): string[] {
  const read = parseSite(document)
  return read.ok ? [] : read.problems.map(({ place }) => place)
}

describe('parseSite', () => {
  it('writes hosts in one spelling, and a draft behind a custom hostname where nothing else is said', () => {
    expect(parseSite(SITE)).toEqual({
      ok: true,
      value: { ...SITE, hosts: ['news.example.com'], via: 'hostname', mode: 'draft', terms: {} },
    })
  })

  it('returns all problems at once', () => {
    const document = {
      id: 'News!',
      publisher: '',
      hosts: ['https://news.example.com/', 'b.example.com'],
      via: 'dns',
      mode: 'on',
      terms: { RPC_URL: 'https://node.example.com' },
      price: '1',
    }
    expect(placesOf(document)).toEqual([
      'id',
      'publisher',
      'hosts[0]',
      'via',
      'mode',
      'terms.RPC_URL',
      'price',
    ])
  })

  it.each([
    'RPC_URL',
    'RELAYER_KEY',
    'OPERATOR_TOKEN_SHA256',
    'OPERATOR_KEY',
    'ORIGIN_SECRET',
    'SELLER',
    'WEBHOOK_URL',
    'MODE',
    'GAS_PER_PAYER',
  ])('does not take %s, which belongs to the deployment', (name) => {
    expect(placesOf({ ...SITE, terms: { [name]: 'x' } })).toEqual([`terms.${name}`])
  })

  it('takes one host in two spellings once, and at most so many', () => {
    expect(placesOf({ ...SITE, hosts: ['a.example.com', 'A.example.com.'] })).toEqual(['hosts'])
    const hosts = Array.from({ length: MAX_HOSTS + 1 }, (_, at) => `h${at}.example.com`)
    expect(placesOf({ ...SITE, hosts: hosts.slice(1) })).toEqual([])
    expect(placesOf({ ...SITE, hosts })).toEqual(['hosts'])
    expect(placesOf({ ...SITE, hosts: [] })).toEqual(['hosts'])
  })

  it('takes documents up to a size', () => {
    const sized = (length: number) => ({ ...SITE, terms: { DESCRIPTION: 'x'.repeat(length) } })
    const rest = JSON.stringify({
      ...SITE,
      hosts: ['news.example.com'],
      via: 'hostname',
      mode: 'draft',
      terms: { DESCRIPTION: '' },
    })
    expect(placesOf(sized(MAX_DOCUMENT_CHARS - rest.length))).toEqual([])
    expect(placesOf(sized(MAX_DOCUMENT_CHARS - rest.length + 1))).toEqual(['terms'])
  })

  it.each([null, 'news', [], 7])('does not take %j', (document) => {
    expect(parseSite(document).ok).toBe(false)
  })
})

describe('the vars that a site may set', () => {
  it('are every term of a policy, and names that the config knows', () => {
    expect(SITE_TERMS).toEqual(expect.arrayContaining(POLICY_TERMS))
    const read = readConfig({}, Object.fromEntries(SITE_TERMS.map((name) => [name, Symbol()])))
    const places = new Set(read.ok ? [] : read.problems.map(({ place }) => place))
    expect(SITE_TERMS.filter((name) => !places.has(name))).toEqual([])
  })
})

describe('parsePublisher', () => {
  it('writes its receiver in lower case', () => {
    const receiver = `0x${'Ab'.repeat(20)}`
    expect(parsePublisher({ id: 'press', name: ' Example Press ', receiver })).toEqual({
      ok: true,
      value: {
        id: 'press',
        name: 'Example Press',
        contacts: [],
        country: null,
        taxId: null,
        receiver: receiver.toLowerCase(),
      },
    })
  })

  it('returns all problems at once', () => {
    const read = parsePublisher({
      id: '-',
      name: '',
      contacts: ['me'],
      country: 'de',
      taxId: 1,
      receiver: '0x',
      x: 1,
    })
    const places = read.ok ? [] : read.problems.map(({ place }) => place)
    expect(places).toEqual(['id', 'name', 'contacts[0]', 'country', 'taxId', 'receiver', 'x'])
  })
})
