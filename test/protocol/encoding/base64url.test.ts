import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBase64url, encodeBase64url } from '../../../src/protocol/encoding/base64url.ts'

it('base64url decodes the bytes that it encodes', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 70 })
  fc.assert(
    fc.property(bytes, (some) => {
      expect([...(decodeBase64url(encodeBase64url(some)) ?? [])]).toEqual([...some])
    }),
  )
})

it.each(['', 'AA==', 'A', 'AB', 'a+b_', 'a/b-', 'AA\n', ' AA'])('decodeBase64url rejects %j', (text) => {
  expect(decodeBase64url(text)).toBeUndefined()
})
