import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import {
  addShadowFigures,
  dropShadowDays,
  readShadowDay,
  type ShadowFigure,
} from '../../../src/ledger/book/shadow.ts'

const figure = (change: Partial<ShadowFigure>): ShadowFigure => ({
  ...{ site: '', crawler: 'GPTBot', class: 'training', rule: 'default', action: 'charge', path: '/a' },
  ...{ requests: 1, pages: 1, asked: 1_000 },
  ...change,
})

describe('addShadowFigures', () => {
  it('adds to the figures of the same day and kind', async () => {
    const day = '2026-01-01'
    await addShadowFigures(env.BOOK, day, [
      figure({}),
      figure({ path: '/b', requests: 3, pages: 0, asked: 0 }),
    ])
    await addShadowFigures(env.BOOK, day, [figure({ asked: 2_000 })])
    await addShadowFigures(env.BOOK, '2026-01-02', [figure({})])
    expect(await readShadowDay(env.BOOK, day)).toEqual({
      day,
      total: { requests: 5, pages: 2, asked: '3000' },
      sites: [{ site: '', requests: 5, pages: 2, asked: '3000' }],
      crawlers: [{ crawler: 'GPTBot', class: 'training', requests: 5, pages: 2, asked: '3000' }],
      rules: [{ rule: 'default', action: 'charge', requests: 5, pages: 2, asked: '3000' }],
      paths: [
        { path: '/a', requests: 2, pages: 2, asked: '3000' },
        { path: '/b', requests: 3, pages: 0, asked: '0' },
      ],
    })
  })

  it('keeps the sites of a day apart', async () => {
    const day = '2026-01-04'
    await addShadowFigures(env.BOOK, day, [figure({ site: 'one' }), figure({ site: 'two', asked: 5_000 })])
    const { sites } = await readShadowDay(env.BOOK, day)
    expect(sites.map(({ site, asked }) => [site, asked])).toEqual([
      ['two', '5000'],
      ['one', '1000'],
    ])
    expect((await readShadowDay(env.BOOK, day, 'one')).total).toMatchObject({ requests: 1, asked: '1000' })
  })

  it('lists the 100 dearest paths, and sums all', async () => {
    const day = '2026-01-03'
    const figures = Array.from({ length: 120 }, (_, at) => figure({ path: `/${at}`, asked: at }))
    await addShadowFigures(env.BOOK, day, figures)
    const { total, paths } = await readShadowDay(env.BOOK, day)
    expect([total.requests, paths.length, paths[0]?.path]).toEqual([120, 100, '/119'])
  })
})

describe('readShadowDay', () => {
  it('returns zero for a day without requests', async () => {
    const total = { requests: 0, pages: 0, asked: '0' }
    const empty = { day: '2025-01-01', total, sites: [], crawlers: [], rules: [], paths: [] }
    expect(await readShadowDay(env.BOOK, '2025-01-01')).toEqual(empty)
  })
})

describe('dropShadowDays', () => {
  it('deletes the days before the given one', async () => {
    for (const day of ['2024-05-01', '2024-05-02']) await addShadowFigures(env.BOOK, day, [figure({})])
    await dropShadowDays(env.BOOK, '2024-05-02')
    const left = ['2024-05-01', '2024-05-02'].map((day) => readShadowDay(env.BOOK, day))
    expect((await Promise.all(left)).map(({ total }) => total.requests)).toEqual([0, 1])
  })
})
