/** Makes the settings of the operator's API from config and bindings. */

import { type Config, readConfig } from '../config/config.ts'
import { publishedIn } from '../identity/published/published.ts'
import { readLists } from '../identity/published/store.ts'
import type { CreditSettings, OperatorNetwork, OperatorSettings } from '../operator/settings.ts'
import { runKinds } from '../settlement/workflow.ts'
import type { Bindings } from './bindings.ts'
import { creditPortsOf, relayerOf, schemesOf } from './schemes.ts'
import { billingOf, workOf } from './work.ts'

/** The settings of the operator's API. With an invalid config they hold no token, so the API rejects all requests. */
export function operatorOf(env: Bindings): OperatorSettings {
  const read = readConfig(env)
  const { BOOK: book, ACCOUNT: accounts, AUTHORIZATIONS: authorizations, SETTLEMENT: settlement } = env
  const objects = { book, accounts, authorizations, settlement, runKinds: [], networks: [] }
  if (!read.ok) return { tokenSha256: undefined, ...objects }
  const work = workOf(env)
  const credit = booksOf(env, read.config)
  const billing = billingOf(env)
  const tokenSha256 = read.config.operatorTokenSha256
  return {
    tokenSha256,
    ...objects,
    site: {
      policy: read.config.policy,
      offerers: schemesOf(env, read.config),
      published: async () => publishedIn(env.LISTS ? await readLists(env.LISTS) : {}, Date.now),
    },
    networks: networksOf(env, read.config),
    ...(work && { runKinds: runKinds(work) }),
    ...(credit && { credit }),
    ...(billing && { billing }),
  }
}

function networksOf(env: Bindings, { networks, relayer: key }: Config): OperatorNetwork[] {
  return networks.map(({ network, chain }) => ({
    id: network.id,
    chain,
    relayer: chain && key ? relayerOf(env, network, key) : undefined,
  }))
}

/** Credit as the operator and the agents read it; undefined if credit is not configured. */
function booksOf(env: Bindings, { credit, operator }: Config): CreditSettings | undefined {
  const ports = creditPortsOf(env)
  if (!credit || !ports) return undefined
  return { ...ports, operator, probation: credit.probation, tiers: new Set(credit.tiers.keys()) }
}
