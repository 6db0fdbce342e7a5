import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SCHEME_NAMES } from '../../src/schemes/index.ts'
import { sources } from './sources.ts'

/** Files outside a scheme's own folders that may spell its name. Wire names of x402 (`exact`) are facts of the protocol. */
const KNOWS_SCHEME: Record<string, readonly string[]> = {
  channel: ['src/ledger/book/accounts.ts'],
  credit: ['src/ledger/book/accounts.ts', 'src/ledger/channel/journal.ts'],
  exact: [
    'src/ledger/book/accounts.ts',
    // An invoice is paid at once, whatever the site offers for its pages.
    'src/portal/invoices.ts',
    'src/rails/stablecoin.ts',
  ],
}

const code = sources('src').filter(
  (file) => !/^src\/(?:schemes|testing|lab|playground|cli|protocol)\//.test(file),
)

function knowing(pattern: RegExp, own: RegExp): string[] {
  return code.filter((file) => !own.test(file) && pattern.test(readFileSync(file, 'utf8')))
}

describe('The name of a scheme', () => {
  it.each(SCHEME_NAMES)('%s is spelled in its own folders and in at most three other files', (name) => {
    const own = new RegExp(`^src/(?:ledger|settlement)/${name}s?/`)
    const found = knowing(new RegExp(`'${name}'`), own)
    expect(found).toEqual(KNOWS_SCHEME[name])
    expect(found.length).toBeLessThanOrEqual(3)
  })
})

describe('The file of a wire dialect', () => {
  it('is imported by the list of dialects alone', () => {
    const own = /^src\/paywall\/dialects\//
    expect(knowing(/dialects\/(?!index\.ts|dialect\.ts)/, own)).toEqual([])
  })
})
