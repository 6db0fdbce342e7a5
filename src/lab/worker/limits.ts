/** Rate limits on the lab’s clock. The runtime counts by the real minute, so each virtual minute has keys of its own. */
import type { LabBindings } from './bindings.ts'

const MINUTE_MS = 60_000

/** The rate limits of a Worker, by binding: the vars of the lab name them. */
export function limitsOf(env: LabBindings): Record<string, RateLimit> {
  const bound = env as unknown as Record<string, RateLimit>
  const names = JSON.parse(env.LAB_LIMITS) as string[]
  return Object.fromEntries(
    names.flatMap((name) => {
      const limit = bound[name]
      return limit ? [[name, virtual(limit)]] : []
    }),
  )
}

function virtual(limit: RateLimit): RateLimit {
  return {
    limit: ({ key }) => limit.limit({ key: `${key} ${Math.floor(Date.now() / MINUTE_MS)}` }),
  } as RateLimit
}
