/** The classes the runtime needs, wired to the config. Export them from your Worker under these names. */
import { assertAddress } from '../chain/relayer/key.ts'
import { RelayerBase } from '../chain/relayer/relayer.ts'
import { describeProblems, readConfig } from '../config/config.ts'
import { judgeSite } from '../config/site.ts'
import { SettlementBase } from '../settlement/workflow.ts'
import { SitesBase } from '../sites/registry.ts'
import { raise } from './alerts.ts'
import type { Bindings } from './bindings.ts'
import { workOf } from './work.ts'

export { Directory } from '../identity/directory.ts'
export { Audit } from '../ledger/audit.ts'
export { Numbers } from '../ledger/billing/numbers.ts'
export { Account } from '../ledger/channel/account.ts'
export { Agents } from '../ledger/credit/agents.ts'
export { CreditLine } from '../ledger/credit/credit-line.ts'
export { Authorizations } from '../ledger/exact/authorizations.ts'
export { Quota } from '../ledger/quota.ts'
export { People } from '../people/people.ts'

/** The relayer: one Durable Object per chain and key. @throws if the config is invalid or names no chain and key */
export class Relayer extends RelayerBase<Bindings> {
  constructor(ctx: DurableObjectState, env: Bindings) {
    const read = readConfig(env)
    if (!read.ok) throw new Error(describeProblems(read.problems))
    const { chain, relayer, oldRelayers, gas, relayerWaitMs: waitMs } = read.config
    if (!chain || !relayer) throw new Error('the relayer needs RPC_URL and RELAYER_KEY')
    assertAddress(relayer)
    // Trap: the object of a former key still has that key's nonces. The present key must not sign with them.
    const [, named] = /:(0x[0-9a-f]{40})$/.exec(ctx.id.name ?? '') ?? []
    const own = named ? [relayer, ...oldRelayers].find(({ address }) => address === named) : relayer
    if (!own) throw new Error('this relayer needs its former key in RELAYER_KEYS_OLD')
    super(ctx, env, {
      chain,
      key: own.key,
      gas,
      ...(waitMs && { waits: { minedMs: waitMs, tendMs: waitMs } }),
    })
  }
}

/** The registry of sites and publishers: one Durable Object. It judges documents by the config of this deployment. */
export class Sites extends SitesBase<Bindings> {
  constructor(ctx: DurableObjectState, env: Bindings) {
    const read = readConfig(env)
    const aheadMs = read.ok ? read.config.sitesAheadMs : undefined
    super(ctx, env, {
      validate: judgeSite(env),
      store: env.HOSTS,
      ...(aheadMs !== undefined && { aheadMs }),
    })
  }
}

/** The nightly settlement run, as a Workflow. @throws if the config is invalid or leaves nothing to settle */
export class Settlement extends SettlementBase<Bindings> {
  constructor(ctx: ExecutionContext, env: Bindings) {
    const work = workOf(env)
    if (!work) throw new Error('a settlement run needs RPC_URL and RELAYER_KEY, FACILITATOR_URL, or SELLER')
    super(ctx, env, { ...work, alert: () => raise(env) })
  }
}
