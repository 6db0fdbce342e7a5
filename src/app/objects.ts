/** The classes the runtime needs, wired to the config. Export them from your Worker under these names. */
import { assertAddress } from '../chain/relayer/key.ts'
import { type Outcome, RelayerBase } from '../chain/relayer/relayer.ts'
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

/** The relayer: one Durable Object per chain and key. Sends nothing before it has checked the contracts there. @throws if the config is invalid or names no chain and key */
export class Relayer extends RelayerBase<Bindings> {
  readonly #check: () => Promise<void>
  #isChecked = false

  constructor(ctx: DurableObjectState, env: Bindings) {
    const read = readConfig(env)
    if (!read.ok) throw new Error(describeProblems(read.problems))
    const { networks, relayer, oldRelayers } = read.config
    // Trap: the object of a former key, or of another chain, has nonces of its own. No other may sign with them.
    const [, network, named] = /^(eip155:\d+):(0x[0-9a-f]{40})$/.exec(ctx.id.name ?? '') ?? []
    const ours = network ? networks.find((one) => one.network.id === network) : networks[0]
    const { chain, gas, relayerWaitMs: waitMs } = ours ?? {}
    if (!relayer || !ours || !chain)
      throw new Error(`this relayer needs RELAYER_KEY, and RPC_URL for ${network ?? 'its network'}`)
    assertAddress(relayer)
    const own = named ? [relayer, ...oldRelayers].find(({ address }) => address === named) : relayer
    if (!own) throw new Error('this relayer needs its former key in RELAYER_KEYS_OLD')
    super(ctx, env, {
      chain,
      key: own.key,
      ...(gas && { gas }),
      ...(waitMs && { waits: { minedMs: waitMs, tendMs: waitMs } }),
    })
    this.#check = async () => (await import('../chain/network-check.ts')).assertNetwork(chain, ours.network)
  }

  /** @throws ChainFault as the base class does, and `wrong_chain` where a contract is not what it must be */
  override async send(...order: Parameters<RelayerBase['send']>): Promise<Outcome> {
    if (!this.#isChecked) await this.#check()
    this.#isChecked = true
    return super.send(...order)
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
