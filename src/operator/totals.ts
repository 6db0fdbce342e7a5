/** The sums owed, at risk and received, over HTTP. */
import { Hono } from 'hono/tiny'
import { readOwed } from '../ledger/book/owed.ts'
import { DAY_MS } from '../platform/time.ts'
import { jsonResponse, numberOf } from './response.ts'
import { needs, type OperatorEnv } from './rights.ts'
import type { OperatorSettings } from './settings.ts'

/** The most days of receipts. More are answered as this many. */
export const MAX_RECEIPT_DAYS = 400
const RECEIPT_DAYS = 60

/** Routes below `/api/totals`. `now` in Unix milliseconds. */
export function totalRoutes({ book }: OperatorSettings, now: () => number): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('money.read'), async (c) => {
    const days = Math.min(Math.max(numberOf(c.req.query('days'), RECEIPT_DAYS), 1), MAX_RECEIPT_DAYS)
    return jsonResponse(await readOwed(book, now() - (days - 1) * DAY_MS))
  })
  return app
}
