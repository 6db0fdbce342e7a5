import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyName, packIndex, urlName, versionIn } from '../../../src/ledger/credit/agent-index.ts'
import { runs } from '../../runs.ts'

const named = (url: string, version = 1) => ({ url, keys: null, version })

describe('packIndex', () => {
  it('lists each agent under its names with its version, and no other name', () => {
    const agents = fc.uniqueArray(
      fc.record({
        url: fc.option(
          fc.uuid().map((id) => `https://${id}.example/`),
          { nil: null },
        ),
        keys: fc.option(fc.uniqueArray(fc.record({ keyId: fc.uuid() }), { selector: ({ keyId }) => keyId }), {
          nil: null,
        }),
        version: fc.integer({ min: 1, max: 0xffff_ffff }),
      }),
      { selector: ({ url, keys }) => url ?? JSON.stringify(keys) },
    )
    fc.assert(
      fc.property(agents, fc.uuid(), (some, stranger) => {
        const index = packIndex(some)
        for (const { url, keys, version } of some) {
          if (url !== null) expect(versionIn(index, urlName(url))).toBe(version)
          else for (const { keyId } of keys ?? []) expect(versionIn(index, keyName(keyId))).toBe(version)
        }
        expect(versionIn(index, urlName(stranger))).toBeNull()
      }),
      { numRuns: runs(30) },
    )
  })

  it('has the same id for the same agents in any order, and another one after a change', () => {
    const [one, two] = [named('https://one.example/'), named('https://two.example/')]
    expect(packIndex([one, two])).toEqual(packIndex([two, one]))
    expect(packIndex([one, { ...two, version: 2 }]).id).not.toBe(packIndex([one, two]).id)
  })

  it('is 12 bytes for each name and stops at its limit', () => {
    const many = function* () {
      for (let at = 0; at <= 100; at++) yield named(`https://a.example/${at}`)
    }
    expect(packIndex(many(), 100).rows).toHaveLength(12 * 100)
  })
})
