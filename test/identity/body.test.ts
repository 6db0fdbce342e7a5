import { describe, expect, it } from 'vitest'
import { judge, LINES, newCrawler, reasonOf, signed, type Wish } from './harness.ts'

const crawler = await newCrawler()

async function reason(wish: Wish, terms: Parameters<typeof judge>[2] = {}) {
  return reasonOf(await judge(crawler, await signed(crawler, wish), terms))
}

describe('verify with a body', () => {
  const text = '{"hello": "world"}'
  const body = new Uint8Array(new TextEncoder().encode(text))
  const sha256 = 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:'
  const sha512 =
    'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:'
  const withDigest = (digest: string): Wish => ({
    method: 'POST',
    headers: { 'Content-Digest': digest },
    lines: [...LINES, ['"content-digest"', digest]],
  })

  it.each([sha256, sha512, `${sha256}, ${sha512}`, `md5=:AAAA:, ${sha256}`])(
    'accepts the body whose Content-Digest was signed: %s [C12]',
    async (digest) => {
      expect(await reason(withDigest(digest), { body })).toBe('verified')
    },
  )

  it('returns digest_differs for a body swapped under the same signature [C12, I10]', async () => {
    const swapped = new Uint8Array(new TextEncoder().encode('{"hello": "w0rld"}'))
    expect(await reason(withDigest(sha256), { body: swapped })).toBe('invalid: digest_differs')
    expect(await reason(withDigest(sha256), { body: null })).toBe('invalid: digest_differs')
  })

  it.each(['sha-256=::', `${sha256.slice(0, 13)}:`])(
    'returns digest_differs for a truncated digest: %s [C12]',
    async (part) => {
      expect(await reason(withDigest(part), { body })).toBe('invalid: digest_differs')
    },
  )

  it('returns digest_differs when one of two digests differs [C12]', async () => {
    const wrong = sha512.replace('WZDP', 'AAAA')
    expect(await reason(withDigest(`${sha256}, ${wrong}`), { body })).toBe('invalid: digest_differs')
  })

  it('rejects a body that is not covered, or whose digest has an unknown algorithm [C12]', async () => {
    const uncovered = { method: 'POST', headers: { 'Content-Digest': sha256 } }
    expect(await reason(uncovered, { body })).toBe('invalid: body_not_covered')
    expect(await reason(withDigest('md5=:AAAA:'), { body })).toBe('invalid: digest_unreadable')
    expect(await reason(withDigest('sha-256="no bytes"'), { body })).toBe('invalid: digest_unreadable')
  })

  it('accepts an empty body with or without a digest [C12]', async () => {
    const empty = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'
    expect(await reason({ method: 'POST' }, { body: new Uint8Array() })).toBe('verified')
    expect(await reason(withDigest(empty))).toBe('verified')
  })
})
