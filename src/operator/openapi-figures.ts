/** The shapes of figures, of a day of shadow mode, and of the health of a deployment. */
import { INTERVALS } from '../ledger/book/chart.ts'
import {
  amount,
  count,
  either,
  flag,
  listOf,
  orNull,
  signedAmount,
  table,
  text,
  time,
  word,
} from './json-schema.ts'

/** `asOf` is null before the first figure, and where the source cannot be read. */
const sourceState = table({ asOf: orNull(time), isExact: flag, isReadable: flag })
const spans = { hour: time, day: time, month: time }
const names = { site: text, who: text, rule: text, path: text, status: text }
const optional = [...Object.keys(spans), ...Object.keys(names)]
const moneyFigure = table(
  { source: word('book'), ...spans, ...names, charged: signedAmount, charges: count, releases: count },
  ...optional,
)
const trafficFigure = table(
  {
    ...{ source: word('traffic'), ...spans, ...names },
    ...{ unpaid: count, asked: amount, refused: count, free: count, blocked: count, errors: count },
  },
  ...optional,
)

/** A page of figures. */
export const figures = table({
  interval: word(...INTERVALS),
  from: time,
  to: time,
  sources: table({ book: sourceState, traffic: sourceState }, 'book', 'traffic'),
  figures: listOf(either(moneyFigure, trafficFigure)),
  next: orNull(text),
})

/** Whether the deployment works, by check. */
export const health = table({
  status: word('ok', 'failing'),
  checks: table({ config: flag, book: flag, runs: flag, watch: flag }),
})

const tried = { requests: count, pages: count, asked: amount }

/** A day of shadow mode: the sums that it would have asked for. */
export const shadowDay = table({
  day: text,
  total: table(tried),
  sites: listOf(table({ site: text, ...tried })),
  crawlers: listOf(table({ crawler: text, class: text, ...tried })),
  rules: listOf(table({ rule: text, action: word('charge', 'allow', 'block'), ...tried })),
  paths: listOf(table({ path: text, ...tried })),
})
