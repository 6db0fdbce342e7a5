import { describe, expect, it } from 'vitest'
import { Faucet, MAX_KEYS, MAX_PER_MINUTE } from '../../../src/cli/playground/faucet.ts'

describe('Faucet', () => {
  it('gives a key one drop in its life', () => {
    const faucet = new Faucet()
    expect([faucet.take('a', 0), faucet.take('a', 100_000)]).toEqual(['taken', 'had'])
  })

  it('is busy after twenty drops in a minute, and gives again when the first of them is a minute old', () => {
    const faucet = new Faucet()
    for (let key = 0; key < MAX_PER_MINUTE; key++) expect(faucet.take(`${key}`, 0)).toBe('taken')
    expect([faucet.take('next', 59_999), faucet.take('next', 60_000)]).toEqual(['busy', 'taken'])
  })

  it('is dry after a thousand keys', () => {
    const faucet = new Faucet()
    for (let key = 0; key < MAX_KEYS; key++) expect(faucet.take(`${key}`, key * 60_000)).toBe('taken')
    expect(faucet.take('next', MAX_KEYS * 60_000)).toBe('dry')
  })
})
