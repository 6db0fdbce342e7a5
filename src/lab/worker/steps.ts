/** The steps of a direct night: a Workflow’s retries and sleeps, on the lab’s clock and without its engine. */
import { clockOffset, setClock } from './clock.ts'

/** As the settlement Workflow asks for: {@link https://developers.cloudflare.com/workflows/build/sleeping-and-retrying/}. */
type StepConfig = { retries?: { limit: number; delay: number | string } }
type Work = () => Promise<unknown>

const UNITS_MS: Record<string, number> = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** Runs each step at once. Failed ones are repeated, and a sleep moves the clock. */
export const directSteps = {
  async do(_name: string, config: StepConfig | Work, work?: Work): Promise<unknown> {
    if (typeof config === 'function') return config()
    const { limit = 0, delay = 0 } = config.retries ?? {}
    for (let failed = 0; ; failed++) {
      try {
        return await work?.()
      } catch (fault) {
        if (failed >= limit) throw fault
        sleep(spanMs(delay) * 2 ** failed)
      }
    }
  },
  sleep: async (_name: string, span: number | string): Promise<void> => sleep(spanMs(span)),
}

function sleep(ms: number): void {
  setClock(clockOffset() + ms)
}

/** Milliseconds of a Workflow’s duration: a number, or text such as `15 seconds`. @throws RangeError for any other text */
export function spanMs(span: number | string): number {
  if (typeof span === 'number') return span
  const [, count, unit = ''] = /^(\d+) (second|minute|hour|day)s?$/.exec(span) ?? []
  const unitMs = UNITS_MS[unit]
  if (count === undefined || unitMs === undefined)
    throw new RangeError(`a duration must be a number or like "15 seconds", not ${span}`)
  return Number(count) * unitMs
}
