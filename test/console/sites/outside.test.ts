/** The look from outside at the hosts of a site, and the tree of their paths. */
import { describe, expect, it } from 'vitest'
import { lookOutside } from '../../../src/console/pages/sites/outside.ts'
import { treeOf } from '../../../src/console/pages/sites/site.tsx'

/** A host that answers crawlers and browsers with these statuses. Null: it does not answer. */
function hostOf(crawler: number | null, reader: number | null): typeof fetch {
  return async (_, init) => {
    const agent = new Headers(init?.headers).get('user-agent') ?? ''
    const status = agent.includes('GPTBot') ? crawler : reader
    if (status === null) throw new TypeError('no connection')
    return new Response(null, { status })
  }
}

const look = (
  crawler: number | null,
  reader: number | null,
  change: { host?: string; isShadow?: boolean } = {},
) => lookOutside({ host: 'news.example', path: '/a', isShadow: false, ...change }, hostOf(crawler, reader))

describe('a host from outside', () => {
  it('is well where a crawler gets 402 and a browser the page', async () => {
    const { certificate, crawler, reader } = await look(402, 200)
    expect([certificate, crawler, reader].map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok'])
  })

  it('must serve everybody in shadow mode', async () => {
    expect((await look(200, 200, { isShadow: true })).crawler.outcome).toBe('ok')
    expect((await look(402, 200, { isShadow: true })).crawler.outcome).toBe('failed')
  })

  it.each([
    [null, 'no answer over https'],
    [526, 'not valid'],
    [525, 'not ready'],
  ])('with the status %s lacks a certificate: %s', async (status, why) => {
    const { certificate, reader } = await look(status, status)
    expect(certificate).toMatchObject({ outcome: 'failed', why: expect.stringContaining(why) })
    expect(reader.outcome).toBe('failed')
  })

  it('of this machine is skipped where its name is not resolved', async () => {
    const { certificate, crawler } = await look(null, null, { host: 'news.localhost:8787' })
    expect([certificate.outcome, crawler.outcome]).toEqual(['skipped', 'skipped'])
  })
})

describe('the tree of paths', () => {
  const figure = (path: string, charged: string) => ({ source: 'book' as const, path, charged, charges: 1 })

  it('sums folders with what is below them, the dearest first', () => {
    const rows = treeOf([
      figure('/news/local', '5'),
      figure('/news/world', '9'),
      figure('/news', '1'),
      figure('/data', '20'),
      { source: 'traffic', path: '/x' },
    ])
    expect(rows.map(({ path, depth, charged, isPage }) => [path, depth, charged, isPage])).toEqual([
      ['/data', 0, 20n, true],
      ['/news', 0, 15n, true],
      ['/news/world', 1, 9n, true],
      ['/news/local', 1, 5n, true],
    ])
  })

  it('shows a folder with one page as that page', () => {
    expect(treeOf([figure('/recipes/slow', '3')]).map(({ path, depth }) => [path, depth])).toEqual([
      ['/recipes/slow', 0],
    ])
  })
})
