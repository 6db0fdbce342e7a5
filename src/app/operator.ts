/** Makes the settings of the operator's API from config and bindings. */

import { type Config, readConfig } from '../config/config.ts'
import { publishedIn } from '../identity/published/published.ts'
import { readLists } from '../identity/published/store.ts'
import { type ActKeys, AUDIT, type AuditLog } from '../ledger/act.ts'
import { REGISTRY } from '../ledger/credit/agent.ts'
import type { CreditSettings, OperatorNetwork, OperatorSettings, PeoplePort } from '../operator/settings.ts'
import { PEOPLE } from '../people/people.ts'
import { lastingStub } from '../platform/lasting-stub.ts'
import { runKinds } from '../settlement/workflow.ts'
import { alertsOf } from './alerts.ts'
import type { Bindings } from './bindings.ts'
import { chartsOf } from './charts.ts'
import { doctorOf } from './doctor.ts'
import { sitesPortOf } from './registry.ts'
import { creditPortsOf, relayerOf, schemesOf } from './schemes.ts'
import { viewOf } from './screening.ts'
import { billingOf, workOf } from './work.ts'

/** The settings of the operator's API. With an invalid config they hold no token, so the API rejects all requests. */
export function operatorOf(env: Bindings): OperatorSettings {
  const read = readConfig(env)
  const { BOOK: book, ACCOUNT: accounts, AUTHORIZATIONS: authorizations, SETTLEMENT: settlement } = env
  const charts = chartsOf(env, read)
  const objects = { book, charts, accounts, authorizations, settlement, runKinds: [], networks: [] }
  if (!read.ok) return { tokenSha256: undefined, ...objects, alerts: alertsOf(env) }
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
    alerts: alertsOf(env),
    audit: auditOf(env),
    keys: keysOf(env),
    doctor: doctorOf(env, read.config),
    sites: sitesPortOf(env),
    people: env.PEOPLE && peoplePortOf(env.PEOPLE),
    screening: viewOf(env, read.config),
    ...(work && { runKinds: runKinds(work) }),
    ...(credit && { credit }),
    ...(billing && { billing }),
  }
}

function networksOf(env: Bindings, { networks, relayer: key }: Config): OperatorNetwork[] {
  return networks.map(({ network, chain }) => ({
    id: network.id,
    chain,
    relayer: chain && key ? lastingStub(() => relayerOf(env, network, key)) : undefined,
  }))
}

function peoplePortOf(people: NonNullable<Bindings['PEOPLE']>): PeoplePort {
  return lastingStub(() => people.getByName(PEOPLE))
}

/** The audit log of the deployment. One whose settings do not bind it yet keeps it in the registry of agents. */
function auditOf({ AUDIT: audit, AGENTS: agents }: Bindings): AuditLog | undefined {
  if (audit) return lastingStub(() => audit.getByName(AUDIT))
  return agents && lastingStub(() => agents.getByName(REGISTRY))
}

function keysOf({ AUDIT: audit }: Bindings): ActKeys | undefined {
  return audit && lastingStub<ActKeys>(() => audit.getByName(AUDIT))
}

/** Credit as the operator and the agents read it; undefined if credit is not configured. */
function booksOf(env: Bindings, { credit, operator }: Config): CreditSettings | undefined {
  const ports = creditPortsOf(env)
  if (!credit || !ports) return undefined
  return { ...ports, operator, probation: credit.probation, tiers: new Set(credit.tiers.keys()) }
}
