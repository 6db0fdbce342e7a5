import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/identity/signature-base.ts'
import { isBound } from '../../src/identity/verify.ts'
import { fromHex, toHex } from '../../src/protocol/evm/hex.ts'
import { judge, NOW, newCrawler, proofOf, reasonOf, rewritten, signed, toBase64 } from './harness.ts'

const crawler = await newCrawler()

describe('id of a verified signature', () => {
  const idOf = async (message: Message, signer = crawler) => proofOf(await judge(signer, message)).id

  it('stays the same under another label [C3]', async () => {
    const message = await signed(crawler)
    const relabelled = rewritten(message, (input, value) =>
      [input, value].map((field) => field.replace(/^sig1/, 'other')),
    )
    expect(await idOf(relabelled)).toBe(await idOf(message))
  })

  it('differs when any signed parameter differs [C3]', async () => {
    const ids = await Promise.all(
      [{}, { created: NOW - 1 }, { nonce: 'a' }, { nonce: 'b' }].map(async (parameters) =>
        idOf(await signed(crawler, { parameters })),
      ),
    )
    expect(new Set(ids).size).toBe(4)
  })

  it('is the same for an ECDSA signature and its malleated twin [C3]', async () => {
    const signer = await newCrawler('ecdsa-p256-sha256')
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const message = await signed(signer)
    const twin = rewritten(message, (input, value) => {
      const bytes = Uint8Array.from(atob(value.slice('sig1=:'.length, -1)), (character) =>
        character.charCodeAt(0),
      )
      const s = order - BigInt(toHex(bytes.slice(32)))
      bytes.set(fromHex(`0x${s.toString(16).padStart(64, '0')}`), 32)
      return [input, `sig1=:${toBase64(bytes)}:`]
    })
    expect(twin.headers.get('signature')).not.toBe(message.headers.get('signature'))
    expect(await idOf(twin, signer)).toBe(await idOf(message, signer))
  })

  it('has no Ed25519 twin: verify rejects S plus the order [C3]', async () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const message = rewritten(await signed(crawler), (input, value) => {
      const bytes = Uint8Array.from(atob(value.slice('sig1=:'.length, -1)), (character) =>
        character.charCodeAt(0),
      )
      const s = BigInt(toHex(bytes.slice(32).reverse())) + order
      bytes.set(fromHex(`0x${s.toString(16).padStart(64, '0')}`).reverse(), 32)
      return [input, `sig1=:${toBase64(bytes)}:`]
    })
    expect(reasonOf(await judge(crawler, message))).toBe('invalid: signature_wrong')
  })

  it.each([
    [['"@authority"'], null, false],
    [['"@authority"', '"@method"'], null, false],
    [['"@authority"', '"@path"', '"@query"'], null, false],
    [['"@authority"', '"@method"', '"@path"'], null, false],
    [['"@authority"', '"@method"', '"@path"', '"@query"'], null, true],
    [['"@method"', '"@target-uri"'], null, true],
    [['"@authority"'], 'n', true],
  ])('covering %j with nonce %j, isBound returns %s [C3]', (covered, nonce, bound) => {
    expect(isBound({ covered, nonce })).toBe(bound)
  })
})
