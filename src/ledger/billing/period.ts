/** Billing periods: days, ISO 8601 weeks and months, in UTC, where no hour is skipped or comes twice. Pure. */
import { DAY_MS } from '../../platform/time.ts'
import type { Period, PeriodKind } from './types.ts'

/** 1970-01-01 was a Thursday: the fourth day of an ISO week. */
const THURSDAY = 3

/** The period of a kind that `at` (Unix ms) is in. Periods of a kind follow each other without gap or overlap. */
export function periodOf(kind: PeriodKind, at: number): Period {
  switch (kind) {
    case 'daily':
      return dayOf(at)
    case 'weekly':
      return weekOf(at)
    case 'monthly':
      return monthOf(at)
  }
}

function dayOf(at: number): Period {
  const from = Math.floor(at / DAY_MS) * DAY_MS
  return { id: isoDay(from), from, to: from + DAY_MS }
}

/** An ISO week begins on Monday and belongs to the year that its Thursday is in. */
function weekOf(at: number): Period {
  const day = Math.floor(at / DAY_MS)
  const monday = day - ((((day + THURSDAY) % 7) + 7) % 7)
  const thursday = (monday + THURSDAY) * DAY_MS
  const year = new Date(thursday).getUTCFullYear()
  const week = 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY_MS))
  return {
    id: `${year}-W${String(week).padStart(2, '0')}`,
    from: monday * DAY_MS,
    to: (monday + 7) * DAY_MS,
  }
}

function monthOf(at: number): Period {
  const date = new Date(at)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  const from = Date.UTC(year, month, 1)
  return { id: isoDay(from).slice(0, 7), from, to: Date.UTC(year, month + 1, 1) }
}

/** `2026-11-21` */
export function isoDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
