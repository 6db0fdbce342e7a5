/** The origin of a site, as the gate and the cron ask it. */
import type { Config } from '../config/config.ts'
import type { Content } from '../paywall/gate.ts'
import { askForPrice, buy, type OriginSettings, pass } from '../paywall/origin.ts'
import type { Origin } from '../paywall/policy.ts'
import type { Bindings } from './bindings.ts'

/** The host that a service binding is asked under. */
const BOUND = new URL('https://origin.internal')

/** The content behind the gate. */
export function contentOf(env: Bindings, { policy, originSecret, originTimeoutMs }: Config): Content {
  const { origin } = policy
  if (origin.kind === 'self') return nowhere
  const settings: OriginSettings = {
    url: origin.kind === 'zone' ? undefined : origin.kind === 'url' ? origin.url : BOUND,
    fetch: fetchOf(env, origin),
    secret: originSecret,
    timeoutMs: originTimeoutMs,
  }
  return {
    pass: (request, path) => pass(settings, request, path),
    ask: (request, path) => askForPrice(settings, request, path),
    buy: (request, path, body) => buy(settings, request, path, body),
  }
}

/** Sends a request to the origin: over the network, or to the Worker behind a service binding. */
export function fetchOf(env: Bindings, origin: Origin): (request: Request) => Promise<Response> {
  if (origin.kind !== 'binding') return (request) => fetch(request)
  const bound = (env as unknown as Record<string, Fetcher>)[origin.name]
  return (request) => bound?.fetch(request) ?? unbound()
}

const nowhere: Content = { pass: unbound, buy: unbound }

async function unbound(): Promise<never> {
  throw new Error('ORIGIN must be set, or the paywall mounted as middleware')
}
