import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutSecrets, secretsOfHeaders, secretsOfUrl } from '../../src/platform/secrets.ts'
import { runs } from '../runs.ts'

describe('cutSecrets', () => {
  it.each([
    ['the path', 'https://node.example/v2/canaryPath123', 'at /v2/canaryPath123: busy', 'at /v2/[cut]: busy'],
    ['the query', 'https://node.example/?apikey=canaryQuery1', 'key canaryQuery1', 'key [cut]'],
    ['user and password', 'https://me:pass%2Fword@node.example/', 'me pass/word', '[cut] [cut]'],
    ['an escaped path', 'https://node.example/a%2Fb%2Fcanary', 'of a/b/canary', 'of [cut]'],
  ])('cuts %s of a URL, and keeps host and short words [G4]', (_, url, text, rest) => {
    expect(cutSecrets(text, secretsOfUrl(url))).toBe(rest)
    expect(cutSecrets('https://node.example/v2', secretsOfUrl(url))).toBe('https://node.example/v2')
  })

  it('cuts a header’s value and the key in it, and keeps the word Bearer [G4]', () => {
    const secrets = secretsOfHeaders({ authorization: 'Bearer canary-token-1', 'x-key': 'short' })
    expect(cutSecrets('no Bearer canary-token-1', secrets)).toBe('no [cut]')
    expect(cutSecrets('token canary-token-1 of short; want Bearer', secrets)).toBe(
      'token [cut] of [cut]; want Bearer',
    )
  })

  it('leaves no secret in any text, in JSON or in a URL [G4]', () => {
    const secret = fc
      .string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' })
      .filter((text) => text.trim() === text)
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (key, before, after) => {
        for (const spelt of [key, JSON.stringify(key), JSON.stringify(key).replaceAll('/', '\\/')]) {
          expect(cutSecrets(before + spelt + after, secretsOfHeaders({ authorization: key }))).not.toContain(
            key,
          )
        }
      }),
      { numRuns: runs(200) },
    )
  })

  it('finds nothing to cut in a URL without path, query or user', () => {
    expect(secretsOfUrl('https://node.example')).toEqual([])
    expect(secretsOfUrl('http://127.0.0.1:8545/')).toEqual([])
  })
})
