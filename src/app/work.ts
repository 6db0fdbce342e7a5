/** Makes the work of the nightly run from config and bindings. */

import type { BillingContext } from '../billing/context.ts'
import type { RelayerKey } from '../chain/relayer/key.ts'
import { type Config, describeProblems, readConfig } from '../config/config.ts'
import type { NetworkConfig } from '../config/network.ts'
import type { RowScope } from '../ledger/book/accounts.ts'
import type { Network } from '../protocol/evm/network.ts'
import { sign } from '../protocol/evm/secp256k1.ts'
import type { Payers, Settings } from '../settlement/context.ts'
import type { Work } from '../settlement/run.ts'
import type { Bindings } from './bindings.ts'
import { exactOf, relayerOf } from './schemes.ts'
import { screenOf } from './screening.ts'

/**
 * The work that these bindings allow; null without a chain and key, a facilitator, a seller or shadow mode.
 * @throws if the config is invalid
 */
export function workOf(env: Bindings): Work | null {
  const read = readConfig(env)
  if (!read.ok) throw new Error(describeProblems(read.problems))
  const { networks, relayer } = read.config
  const settled = networks.filter(({ chain, facilitator }) => (chain && relayer) || facilitator)
  const scopeOf = ({ network }: NetworkConfig) => scopeIn(settled, network)
  const channels = settled.flatMap((on) => channelsOf(env, read.config, on, scopeOf(on)) ?? [])
  const exact = settled.flatMap((on) => payersOf(env, read.config, on, scopeOf(on)) ?? [])
  const billing = billingOf(env)
  const bill = billing && (async () => (await billing()).bill)
  // A site of the registry can be on trial whatever the vars say.
  const shadow = read.config.mode === 'shadow' || env.SITES !== undefined
  const hasWork = channels.length + exact.length > 0 || bill || shadow
  return hasWork ? { book: env.BOOK, channels, exact, bill, shadow } : null
}

function channelsOf(
  env: Bindings,
  config: Config,
  { network, chain, gas }: NetworkConfig,
  scope: RowScope,
): Settings | null {
  const { relayer, oldRelayers, webhook } = config
  if (!chain || !relayer) return null
  const signAs: Settings['signAs'] = (authorizer, digest) => {
    const old = oldRelayers.find(({ address }) => address === authorizer)
    return old ? sign(digest, old.key) : null
  }
  const { BOOK: book, ACCOUNT: accounts, AUTHORIZATIONS: authorizations } = env
  return {
    network,
    chain,
    scope,
    book,
    accounts,
    authorizations,
    gas,
    relayer: lastingRelayer(env, network, relayer, oldRelayers),
    signAs,
    screen: screenOf(env, config, network.id),
    webhook: webhook ? { ...webhook, now: Date.now } : null,
  }
}

/** The first network's part of a run reads the rows of unknown networks too. */
function scopeIn(settled: readonly NetworkConfig[], { id }: Network): RowScope {
  const [first, ...others] = settled.map(({ network }) => network.id)
  return { network: id, others: id === first ? others : null }
}

/**
 * The present relayer sends. Former ones only return the outcomes of what they sent.
 *
 * Trap: a stub stops working once its object is reset, which a run outlives. Each call makes a fresh stub.
 */
function lastingRelayer(
  env: Bindings,
  network: Network,
  present: RelayerKey,
  former: readonly RelayerKey[],
): Settings['relayer'] {
  const stub = () => relayerOf(env, network, present)
  return {
    send: (order, waitMs) => stub().send(order, waitMs),
    async outcome(id, waitMs) {
      for (const key of former) {
        const earlier = await relayerOf(env, network, key).outcome(id, waitMs)
        if (earlier.status !== 'none') return earlier
      }
      return stub().outcome(id, waitMs)
    },
    address: () => stub().address(),
    state: () => stub().state(),
  }
}

/** Payers whose payments a facilitator settles, on a network without channels; null where none does. */
function payersOf(
  { BOOK: book, AUTHORIZATIONS: authorizations }: Bindings,
  { relayer }: Config,
  { chain, facilitator }: NetworkConfig,
  scope: RowScope,
): Payers | null {
  if (!facilitator || (chain && relayer)) return null
  return { scope, book, authorizations, chain: chain ?? null, relayer: null }
}

/** Opens billing for one request or one step; null without a seller. Its code loads when it is opened. */
export function billingOf(env: Bindings): (() => Promise<BillingContext>) | null {
  const read = readConfig(env)
  if (!read.ok || !read.config.bill) return null
  const { config } = read
  const exact = () => exactOf(env, config, config.networks, { act: 'invoice' })
  return async () => (await import('./billing.ts')).openBilling(env, config, exact())
}
