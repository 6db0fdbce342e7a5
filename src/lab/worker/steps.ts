/** The steps of a direct night: a Workflow’s retries and waits, on the lab’s clock and without its engine. */
import { clockOffset, setClock } from './clock.ts'
import { durationMs } from './duration.ts'

/** As the settlement Workflow asks for: {@link https://developers.cloudflare.com/workflows/build/sleeping-and-retrying/}. */
type StepConfig = { retries?: { limit: number; delay: number | string } }
type Work = () => Promise<unknown>

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
        sleep(durationMs(delay) * 2 ** failed)
      }
    }
  },
  sleep: async (_name: string, span: number | string): Promise<void> => sleep(durationMs(span)),
}

function sleep(ms: number): void {
  setClock(clockOffset() + ms)
}
