import { describe, expect, it } from 'vitest'
import { requestLines } from '../../../src/cli/sign/formats.ts'

const URL = 'http://127.0.0.1/page'
const lane = (name: string, ...totals: bigint[]) =>
  totals.map((total) => ({ total, headers: { 'payment-signature': `${name}${total}` } }))
const LANES = [lane('a', 1n, 2n, 3n), lane('b', 5n, 6n)]

describe('requestLines', () => {
  it('let the lanes alternate, each in its own order, as jsonl', () => {
    const written = [...requestLines('jsonl', URL, LANES)].map((line) => JSON.parse(line))
    expect(written.map(({ lane, total }) => `${lane}:${total}`)).toEqual(['0:1', '1:5', '0:2', '1:6', '0:3'])
    expect(written[0]).toMatchObject({ method: 'GET', url: URL, headers: { 'payment-signature': 'a1' } })
  })

  it('are vegeta’s JSON targets, with a list for each header, named as Go spells it', () => {
    const headers = { 'user-agent': 'Bot/1.0', 'payment-signature': 'a1' }
    const [first] = requestLines('vegeta', URL, [[{ total: 1n, headers }]])
    expect(JSON.parse(first ?? '')).toEqual({
      method: 'GET',
      url: URL,
      header: { 'User-Agent': ['Bot/1.0'], 'Payment-Signature': ['a1'] },
    })
  })

  it('are one document with a list for each lane, for k6', () => {
    const [document, ...more] = requestLines('k6', URL, LANES)
    expect(more).toEqual([])
    const { lanes } = JSON.parse(document ?? '') as { lanes: Record<string, string>[][] }
    expect(lanes.map((some) => some.map((headers) => headers['payment-signature']))).toEqual([
      ['a1', 'a2', 'a3'],
      ['b5', 'b6'],
    ])
  })
})
