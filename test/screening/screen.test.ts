import { describe, expect, it } from 'vitest'
import type { Address } from '../../src/protocol/evm/hex.ts'
import type { ScreeningVerdict } from '../../src/protocol/screening.ts'
import { DEFAULT_FAILING, KEPT_MS, MAX_KEPT, screenBy } from '../../src/screening/screen.ts'

const PAYER: Address = `0x${'12'.repeat(20)}`
const T = 1_790_000_000_000

/** A source whose answer a test sets, and that counts how often it was asked. */
function newSource(list = 'stub') {
  const source = {
    asked: 0,
    status: 'clear' as ScreeningVerdict['status'],
    ask: async (): Promise<ScreeningVerdict> => {
      source.asked++
      return { status: source.status, list, dated: T, reason: source.status }
    },
  }
  return source
}

function newScreen({ allow = [], deny = [] }: { allow?: Address[]; deny?: Address[] } = {}) {
  const [first, second] = [newSource('first'), newSource('second')]
  const clock = { now: T }
  const own = { allow: new Set(allow), deny: new Set(deny) }
  const failing = { ...DEFAULT_FAILING, exact: 'open' } as const
  const screen = screenBy({ own, sources: [first.ask, second.ask], failing }, () => clock.now)
  return { screen, first, second, clock }
}

describe('screenBy', () => {
  it.each([
    ['clear', KEPT_MS.clear],
    ['listed', KEPT_MS.listed],
    ['unknown', KEPT_MS.unknown],
  ] as const)('keeps the answer %s for %d ms, and asks again then', async (status, keptMs) => {
    const { screen, first, clock } = newScreen()
    first.status = status
    for (const after of [0, keptMs - 1, keptMs]) {
      clock.now = T + after
      expect((await screen('voucher', PAYER)).status).toBe(status)
    }
    expect(first.asked).toBe(2)
  })

  it('answers from memory without a promise', async () => {
    const { screen } = newScreen()
    await screen('voucher', PAYER)
    expect(screen('voucher', PAYER)).toMatchObject({ status: 'clear', isAllowed: true })
  })

  it('keeps a stated number of answers', async () => {
    const { screen, first } = newScreen()
    for (let n = 0; n <= MAX_KEPT; n++) await screen('voucher', `0x${n.toString(16).padStart(40, '0')}`)
    await screen('voucher', `0x${'0'.repeat(40)}`)
    expect(first.asked).toBe(MAX_KEPT + 2)
  })

  it('takes an address for listed if one source lists it, whatever the others say', async () => {
    const { screen, first, second } = newScreen()
    first.status = 'unknown'
    second.status = 'listed'
    expect(await screen('exact', PAYER)).toMatchObject({ status: 'listed', list: 'second', isAllowed: false })
  })

  it('clears an address if every source does, and names them all', async () => {
    const { screen } = newScreen()
    const clear = { status: 'clear', list: 'first second', dated: T, isAllowed: true }
    expect(await screen('deposit', PAYER)).toMatchObject(clear)
  })

  it('lets an act pass without an answer only where it fails open', async () => {
    const { screen, first } = newScreen()
    first.status = 'unknown'
    expect(await screen('deposit', PAYER)).toMatchObject({ status: 'unknown', isAllowed: false })
    expect(await screen('exact', PAYER)).toMatchObject({ status: 'unknown', isAllowed: true })
  })

  it('asks no source about the addresses of the operator, and takes one on both lists for listed', async () => {
    const other: Address = `0x${'34'.repeat(20)}`
    const { screen, first } = newScreen({ allow: [PAYER, other], deny: [other] })
    first.status = 'listed'
    expect(await screen('exact', PAYER)).toMatchObject({ status: 'clear', list: 'operator' })
    expect(await screen('exact', other)).toMatchObject({ status: 'listed', list: 'operator' })
    expect(first.asked).toBe(0)
  })
})
