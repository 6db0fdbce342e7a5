/** The endpoint of the operator's webhooks: slow, dead, or its answer is lost. */
import type { Net } from './platform/globals.ts'
import { world } from './world.ts'

/** The host of the endpoint. */
export const HOOK = 'hook.sim'

/** The endpoint. */
export class Hook {
  /** The ids of the events that it has accepted. */
  readonly accepted = new Set<string>()

  readonly net: Net = async ({ body }) => {
    const here = world()
    const { choices } = here
    await here.sleep(here.latency('hook', 40), 'webhook')
    if (choices.strikes('hook slow', 'hook', 0.01)) await here.sleep(40_000, 'slow webhook')
    if (choices.strikes('hook down', 'hook', 0.05)) return new Response('no', { status: 500 })
    const { id } = JSON.parse(body) as { id: string }
    this.accepted.add(id)
    if (choices.strikes('hook answer lost', 'hook', 0.03)) throw new TypeError('fetch failed')
    return new Response(null, { status: 204 })
  }
}
