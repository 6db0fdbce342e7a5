/** The days of shadow mode over HTTP. */
import { Hono } from 'hono/tiny'
import * as v from 'valibot'
import { readShadowDay } from '../ledger/book/shadow.ts'
import { dayOf } from '../platform/time.ts'
import { invalid, jsonResponse } from './response.ts'
import { needs, type OperatorEnv } from './rights.ts'
import type { OperatorSettings } from './settings.ts'
import { visibleSites } from './site-scope.ts'

const Day = v.pipe(v.string(), v.isoDate())

/** Routes below `/api/shadow`. A day that is not named is today, in UTC, as far as it has come. */
export function shadowRoutes(settings: OperatorSettings, now: () => number): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('figures.read'), async (c) => {
    const day = c.req.query('day') ?? dayOf(now())
    if (!v.is(Day, day))
      return invalid([{ path: 'day', message: 'must be a date', expected: '"2026-11-27"' }])
    const sites = await visibleSites(c.var.principal, settings)
    return jsonResponse(await readShadowDay(settings.book, day, c.req.query('site') ?? null, sites))
  })
  return app
}
