import { describe, expect, it } from 'vitest'
import { browse } from '../edge.ts'

const SITES = ['news', 'quiet'].map((id) => ({
  ...{ id, publisher: 'press', hosts: [`${id}.example`], via: 'route', mode: 'live', version: 1 },
  hasDraft: false,
}))

/** The rows of the list as text. `next`: of the figures, which is set where more exist than the API returns. */
async function rowsWith(next: string | null): Promise<string[]> {
  const { get } = browse(({ path }) => {
    if (path.startsWith('/sites')) return { sites: SITES, next: null }
    const figures = [{ source: 'book', day: 0, site: 'news', charged: '5000000', charges: 7 }]
    return { sources: { book: { asOf: 1, isReadable: true } }, figures, next }
  })
  const text = await (await get('/sites')).text()
  const rows = [...text.matchAll(/<tr role="row" id="site-[^>]*>(.*?)<\/tr>/gs)]
  return rows.map(([, row = '']) => row.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' '))
}

describe('the list of sites', () => {
  it('shows 0 for a site without a figure once its source has one of any site', async () => {
    const [news, quiet] = await rowsWith(null)
    expect(news).toContain('no data yet 7 no data yet $5.00')
    expect(quiet).toContain('no data yet 0 no data yet $0.00')
  })

  it('shows no 0 for a site whose figure may be beyond those that the API returned', async () => {
    const [news, quiet] = await rowsWith('more')
    expect(news).toContain('$5.00')
    expect(quiet).not.toMatch(/\$0\.00| 0 /)
  })

  it('asks for the sites and their figures in one call of the edge Worker', async () => {
    const { get, rounds } = browse(() => ({ sites: [], figures: [], sources: {}, next: null }))
    await get('/sites')
    expect(rounds).toEqual([0, 2])
  })
})

describe('the list of policies', () => {
  it('asks for the sites once', async () => {
    const { get, orders } = browse(() => ({ sites: SITES, next: null }))
    await get('/policy')
    expect(orders.map(({ path }) => path)).toEqual(['/sites?limit=500'])
  })

  it('is a form that tries the policy where the deployment serves one site', async () => {
    const { get } = browse(() => undefined)
    expect(await (await get('/policy')).text()).toContain('name="url"')
  })
})
