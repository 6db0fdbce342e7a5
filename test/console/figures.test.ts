import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FigureBody } from '../../src/console/answers.ts'
import { DAY, ranked, SHOWN_DAYS, shownDays, ticksOf, totalOf } from '../../src/console/figures.ts'
import { lookAt, needsOfAlerts } from '../../src/console/parts/needs.tsx'

const NOW = Date.UTC(2026, 10, 27, 15, 30)
const { from, before, today, days } = shownDays(NOW)

const figure = (day: number, site: string, charged: string): FigureBody => ({
  ...{ source: 'book', day, site, charged, charges: 1 },
})

describe('figures of a page', () => {
  it('are of the day that is not over and of the 29 before, against as many days before', () => {
    expect([days.length, days.at(-1), days[0]]).toEqual([SHOWN_DAYS, today, from])
    expect(from - before).toBe(SHOWN_DAYS * DAY)
  })

  it('sum each name by day, the largest first and the others last', () => {
    const rows = ranked(
      [
        figure(from - DAY, 'small', '9'),
        figure(from, 'small', '1'),
        figure(from, 'other', '50'),
        figure(today, 'large', '7'),
        { source: 'traffic', day: today, site: 'large', unpaid: 3 },
      ],
      'site',
      from,
    )
    expect(rows.map(({ name, earned, before, paid }) => [name, earned, before, paid])).toEqual([
      ['large', 7n, 0n, 1],
      ['small', 1n, 9n, 1],
      ['other', 50n, 0n, 1],
    ])
    expect(totalOf(rows)).toMatchObject({ earned: 58n, before: 9n, paid: 3 })
    expect(totalOf(rows).days[0]).toBe(51n)
  })

  it('are drawn on a scale of at most four round lines that covers the largest', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), (most) => {
        const ticks = ticksOf(most)
        expect(ticks.length).toBeLessThanOrEqual(4)
        expect(ticks[0]).toBe(0n)
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(most)
        expect(String(ticks[1])).toMatch(/^[125]0*$/)
      }),
    )
  })
})

describe('an alert of the console', () => {
  const alert = {
    ...{ id: 'a', kind: 'run_failed', subject: 'settlement', figure: 'failed' },
    ...{ link: '/_tab402/api/runs/settle-1', opened: 1, resolved: null, mutedUntil: null },
  }

  it('is listed while it is open and not muted, the critical first', () => {
    const needs = needsOfAlerts(
      [
        { ...alert, severity: 'warning', subject: 'later' },
        { ...alert, severity: 'critical' },
        { ...alert, severity: 'critical', mutedUntil: NOW + 1 },
        { ...alert, severity: 'critical', resolved: 2 },
      ],
      NOW,
    )
    expect(needs.map(({ title }) => title)).toEqual(['Run failed: settlement', 'Run failed: later'])
  })

  it.each([
    ['/_tab402/api/runs/settle-1', '/runs/settle-1'],
    ['https://example.com/_tab402/api/agents/lantern', '/agents/lantern'],
    ['/_tab402/api/figures?by=site&interval=hour&site=acme%2Fx', '/sites/acme%2Fx'],
    ['/_tab402/api/relayer', '/setup'],
    ['https://evil.example/x', '/alerts'],
    ['//', '/alerts'],
  ])('with the link %s leads to the page %s', (link, page) => {
    expect(lookAt(link)[0]).toBe(page)
  })
})
