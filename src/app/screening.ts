/** Screening by the config: one screen for each oracle and set of settings, whose memory all sites of an isolate share. */
import type { Config } from '../config/config.ts'
import type { ScreeningView } from '../operator/settings.ts'
import { oracleSource } from '../screening/oracle.ts'
import { type Screen, type ScreeningSource, screenBy } from '../screening/screen.ts'
import type { Bindings } from './bindings.ts'

const now = () => Date.now()
const screens = new WeakMap<Bindings, Map<string, Screen>>()

/**
 * The screen of a network (CAIP-2); undefined where no source is set, so that nothing is asked. A network without an oracle asks
 * the first one: a key that is sanctioned on one chain is the same key on another.
 */
export function screenOf(env: Bindings, config: Config, network: string): Screen | undefined {
  const { screening, networks } = config
  if (!screening) return undefined
  const { own, oracles, lists, failing } = screening
  const [oracleOn, oracle] = [...oracles].find(([id]) => id === network) ?? [...oracles][0] ?? []
  const chain = networks.find(({ network: { id } }) => id === oracleOn)?.chain
  const made = screens.get(env) ?? new Map<string, Screen>()
  screens.set(env, made)
  const name = JSON.stringify([oracleOn, [...own.allow], [...own.deny], oracle, lists, failing])
  const known = made.get(name)
  if (known) return known
  const sources = [
    ...(oracle && chain ? [oracleSource(chain, oracle, now)] : []),
    ...(lists.length > 0 && env.LISTS ? [listsIn(env.LISTS, lists)] : []),
  ]
  const screen = screenBy({ own, sources, failing }, now)
  made.set(name, screen)
  return screen
}

/** The sources as the operator's API shows them; undefined where nothing is screened. */
export function viewOf(env: Bindings, { screening }: Config): (() => Promise<ScreeningView>) | undefined {
  if (!screening) return undefined
  const { own, lists: urls, failing } = screening
  const oracles = Object.fromEntries(screening.oracles)
  return async () => {
    const { viewLists } = await import('../screening/lists.ts')
    const lists = env.LISTS ? await viewLists(env.LISTS, urls, now()) : []
    return { oracles, allow: own.allow.size, deny: own.deny.size, failing, lists }
  }
}

/** Loads the code of the lists at the first look-up: most sites have none. */
function listsIn(store: KVNamespace, urls: readonly string[]): ScreeningSource {
  let source: ScreeningSource | undefined
  return async (address) => {
    if (!source) {
      // Here alone: the command line makes schemes too, outside of the Workers runtime.
      const { waitUntil } = await import('cloudflare:workers')
      const { listSource } = await import('../screening/lists.ts')
      source ??= listSource(store, urls, { now, later: waitUntil })
    }
    return source(address)
  }
}
