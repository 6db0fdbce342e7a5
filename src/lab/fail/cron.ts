/** Faults of the cron: how the next nights fire. */
import type { Calendar, Firing } from '../calendar.ts'
import { spanMs } from '../time.ts'
import type { CronFault, Mend, Times } from './fail.ts'

const PROMPT: Firing = { times: 1, lateMs: 0, isParallel: false }

/** Sets a fault; the next one replaces it. */
export async function failCron(
  calendar: Calendar,
  fault: CronFault,
  { times = Number.POSITIVE_INFINITY }: Times = {},
): Promise<Mend> {
  let left = times
  const faulty = firingOf(fault)
  const firing = () => (left-- > 0 ? faulty : PROMPT)
  calendar.firing = firing
  return async () => {
    if (calendar.firing === firing) calendar.firing = () => PROMPT
  }
}

function firingOf(fault: CronFault): Firing {
  if (typeof fault === 'object') return { ...PROMPT, lateMs: spanMs(fault.late) }
  switch (fault) {
    case 'missed':
      return { ...PROMPT, times: 0 }
    case 'doubled':
      return { ...PROMPT, times: 2 }
    case 'overlapping':
      return { ...PROMPT, times: 2, isParallel: true }
  }
}
