import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { EVENTS, log, withoutSecrets } from '../../src/platform/log.ts'
import { runs } from '../runs.ts'

afterEach(() => void vi.restoreAllMocks())

const SIGNATURE = `0x${'ab'.repeat(65)}`

describe('log', () => {
  it('writes one line of JSON at the level of the event', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    log('webhook_unreachable', { id: 'evt\n1', fault: new Error('refused') })
    const [[line]] = warn.mock.calls as [[string]]
    expect(line).not.toContain('\n')
    expect(JSON.parse(line)).toEqual({
      event: 'webhook_unreachable',
      message: 'webhook unreachable, retrying later',
      id: 'evt\n1',
      fault: 'Error: refused',
    })
  })

  it.each([
    ['the query of a URL', 'at https://site.example/a?key=hunter2.', 'hunter2'],
    ['the user of a URL', 'https://user:hunter2@node.example/', 'hunter2'],
    ['a key in a path', 'https://node.example/v2/abcdefghijklmnopqrstuv failed', 'abcdefghijklmnop'],
    ['a bearer token', 'authorization: Bearer hunter2', 'hunter2'],
    ['a secret of Stripe', 'key sk_live_hunter2 is invalid', 'hunter2'],
    ['a signature', `voucher ${SIGNATURE}`, 'ab'.repeat(20)],
  ])('leaves out %s, in every field and every fault', (_, text, secret) => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    log('origin_failed', { fault: text })
    log('origin_failed', { fault: new Error(text) })
    expect(error).toHaveBeenCalledTimes(2)
    expect(error.mock.calls.flat().join()).not.toContain(secret)
  })
})

describe('withoutSecrets', () => {
  it('leaves no query of any URL', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, unit: 'grapheme-ascii' }), (query) => {
        const sent = `https://site.example/a?${query.replace(/\s/g, '+')}`
        expect(withoutSecrets(`fault at ${sent} today`)).toMatch(/\?… today$/)
      }),
      { numRuns: runs(20) },
    )
  })

  it('leaves the names of transactions and accounts', () => {
    const hash = `0x${'cd'.repeat(32)}`
    expect(withoutSecrets(`transaction ${hash} failed`)).toBe(`transaction ${hash} failed`)
  })
})

describe('docs/logs.md', () => {
  it('lists every event with its level and fields', () => {
    const rows = readFileSync('docs/logs.md', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    const listed = rows.map((row) => row.split(' | ').slice(0, 3).join(' | '))
    const events = Object.entries(EVENTS).map(([name, { level, fields }]) => {
      const named = (fields as readonly string[]).map((field) => `\`${field}\``)
      return `| \`${name}\` | ${level} | ${named.join(', ')}`
    })
    expect(listed.toSorted()).toEqual(events.toSorted())
  })
})
