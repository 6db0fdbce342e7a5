/** The decision for a path as sent is never cheaper than for the path as an origin may read it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import { type Asker, classify } from '../../src/identity/classify.ts'
import { type CanonicalPath, canonicalize } from '../../src/paywall/path.ts'
import { type Decision, decide, type Policy } from '../../src/paywall/policy.ts'
import { runs } from '../runs.ts'

const TERMS = {
  ORIGIN: 'zone',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.001',
}

function policyOf(rules: unknown[]): Policy {
  const result = parsePolicy({ ...TERMS, RULES: rules })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.policy
}

const CRAWLER = classify({ userAgent: 'GPTBot/1.2', signed: false, paying: false })
const READER = classify({ userAgent: 'Mozilla/5.0 Firefox/142.0', signed: false, paying: false })

const PIECES = [
  '/',
  '//',
  '.',
  '..',
  '%2e',
  '%2f',
  '%2',
  '%46',
  '%5c',
  '\\',
  ';',
  ';v=1',
  '%3b',
  '%25',
  '%3f',
  '%3F',
]
/** Bytes that are not UTF-8, and characters that compatibility forms stand for. */
const FOREIGN = [
  '%E9',
  '%C3',
  '%A9',
  '%C0%AF',
  '%EF%BC%8F',
  '%EF%BC%8E',
  '%EF%BC%9F',
  '%EF%BC%9B',
  '%EF%BC%85',
  '%EF%BD%81',
  '%E2%80%A5',
  '%CD%BE',
]
const WORDS = [
  '?',
  '#',
  '%23',
  '%26',
  '&',
  '=',
  'a',
  'b',
  'A',
  '%61',
  'é',
  '%C3%A9',
  '%20',
  '.well-known',
  'robots.txt',
]
const target = fc
  .array(
    fc.oneof(
      fc.constantFrom('/', 'a', 'b', '?'),
      fc.constantFrom(...PIECES),
      fc.constantFrom(...WORDS),
      fc.constantFrom(...FOREIGN),
    ),
    {
      maxLength: 10,
    },
  )
  .map((parts) => `/${parts.join('')}`)

const rule = fc
  .record({
    path: fc.constantFrom(
      '/a',
      '/b',
      '/a/*',
      '/*/b',
      '/*',
      '/a/b',
      '/.well-known/a',
      '/é',
      '/*a',
      '/a;b',
      '/a%2Fb',
    ),
    who: fc.constantFrom('crawlers', 'everyone'),
    terms: fc.constantFrom(
      { action: 'allow' },
      { action: 'allow', query: 'any' },
      { action: 'allow', query: ['a'] },
      { action: 'charge', price: '0.5' },
      { action: 'charge', price: '0.0001' },
      { action: 'block' },
    ),
  })
  .map(({ terms, ...rest }) => ({ ...rest, ...terms }))

/** How an origin may read a path with its query. Each step is one that some server takes; they follow in any order. */
const STEPS: Readonly<Record<string, (read: string) => string>> = {
  decoded: (read) => onPath(read, decode),
  // Valid UTF-8 is read as such: the server falls back to Latin-1 for other bytes alone.
  decodedAsLatin1: (read) =>
    onPath(read, (path) =>
      decode(path) === path ? bytesOf(path, (byte) => String.fromCharCode(byte)) : decode(path),
    ),
  decodedWithoutStrays: (read) =>
    onPath(read, (path) => decode(bytesOf(path, (byte, isStray) => (isStray ? '' : escapeOf(byte))))),
  folded: (read) => onPath(read, (path) => path.normalize('NFKC')),
  merged: (read) => onPath(read, (path) => path.replace(/[/\\]+/g, '/')),
  cut: (read) => onPath(read, (path) => path.replace(/;[^/]*/g, '')),
  resolved: (read) => onPath(read, resolve),
}

function onPath(read: string, step: (path: string) => string): string {
  const query = read.indexOf('?')
  return query < 0 ? step(read) : step(read.slice(0, query)) + read.slice(query)
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** The path with each escape in the place of `read`'s result; strays are the bytes outside of UTF-8. */
function bytesOf(path: string, read: (byte: number, isStray: boolean) => string): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    const bytes = Uint8Array.from(run.slice(1).split('%'), (digits) => Number.parseInt(digits, 16))
    const kept = new TextEncoder().encode(new TextDecoder().decode(bytes).replaceAll('\ufffd', ''))
    let next = 0
    return [...bytes].map((byte) => read(byte, byte === kept[next] ? next++ < 0 : true)).join('')
  })
}

function escapeOf(byte: number): string {
  return `%${byte.toString(16).padStart(2, '0')}`
}

function resolve(path: string): string {
  const kept: string[] = []
  for (const segment of path.split(/[/\\]/).slice(1)) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  return `/${kept.join('/')}`
}

/** The reading in the form that rules see, put together without our canonicalizer. */
function seen(read: string): CanonicalPath {
  const query = read.indexOf('?')
  const path = decode(query < 0 ? read : read.slice(0, query))
    .normalize('NFC')
    .toLowerCase()
    .normalize('NFC')
  const match = path.length > 1 ? path.replace(/\/$/, '') : path
  return {
    path: read,
    match: match.replaceAll('?', '%3f').replaceAll('#', '%23'),
    search: query < 0 ? '' : read.slice(query),
  }
}

/** Payment that a decision asks for; a block is dearer than any. */
function cost({ action, price }: Decision): bigint {
  return action === 'block' ? 1n << 200n : price
}

function ask(policy: Policy, path: CanonicalPath, asker: Asker): Decision {
  return decide(policy, { method: 'GET', path, asker })
}

describe('decide for any reading of a path', () => {
  it('decides no dearer than for the path that the origin receives [D1, D2]', () => {
    const orders = fc.shuffledSubarray(Object.keys(STEPS), { minLength: 1 })
    fc.assert(
      fc.property(
        target,
        fc.array(rule, { maxLength: 4 }),
        orders,
        fc.boolean(),
        (raw, rules, order, reads) => {
          const canonical = canonicalize(raw)
          if (!canonical.ok) return
          const [policy, asker] = [policyOf(rules), reads ? READER : CRAWLER]
          const made = cost(ask(policy, canonical.value, asker))
          const sent = canonical.value.path + canonical.value.search
          const read = order.reduce((text, step) => STEPS[step]?.(text) ?? text, sent)
          expect([read, cost(ask(policy, seen(read), asker)) <= made]).toEqual([read, true])
        },
      ),
      { numRuns: runs(1000) },
    )
  })

  it.each([
    ['/.well-known/x%3Frest_route=/wp/v2/posts', 1000n],
    ['/robots.txt%3fp=1', 1000n],
    ['/open/a%3Fp=1', 1000n],
    ['/secret%3Fx', 500_000n],
    ['/secret/%3Fx', 500_000n],
    ['/open/a%23b', 0n],
  ])('asks of a crawler the dearer price for both readings of %s [D1, D2]', (raw, price) => {
    const policy = policyOf([
      { path: '/open/*', action: 'allow' },
      { path: '/secret', action: 'charge', price: '0.5' },
    ])
    const canonical = canonicalize(raw)
    expect(canonical.ok && ask(policy, canonical.value, CRAWLER).price).toBe(price)
    expect(canonical.ok && ask(policy, canonical.value, READER).price).toBe(0n)
  })
})
