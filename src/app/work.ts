/** Makes the work of the nightly run from config and bindings. */

import type { BillingContext } from '../billing/context.ts'
import { type Config, describeProblems, readConfig } from '../config/config.ts'
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
  const channels = channelsOf(env, read.config)
  const exact = channels ? null : payersOf(env, read.config)
  const billing = billingOf(env)
  const bill = billing && (async () => (await billing()).bill)
  const shadow = read.config.mode === 'shadow'
  return channels || exact || bill || shadow ? { book: env.BOOK, channels, exact, bill, shadow } : null
}

function channelsOf(env: Bindings, config: Config): Settings | null {
  const { chain, relayer, oldRelayers, gas, webhook } = config
  if (!chain || !relayer) return null
  const signAs: Settings['signAs'] = (authorizer, digest) => {
    const old = oldRelayers.find(({ address }) => address === authorizer)
    return old ? sign(digest, old.key) : null
  }
  const { BOOK: book, ACCOUNT: accounts, AUTHORIZATIONS: authorizations } = env
  return {
    chain,
    book,
    accounts,
    authorizations,
    gas,
    relayer: lastingRelayer(env, config),
    signAs,
    screen: screenOf(env, config),
    webhook: webhook ? { ...webhook, now: Date.now } : null,
  }
}

/**
 * The present relayer sends. Former ones only return the outcomes of what they sent.
 *
 * Trap: a stub stops working once its object is reset, which a run outlives. Each call makes a fresh stub.
 */
function lastingRelayer(env: Bindings, config: Config): Settings['relayer'] {
  const stub = () => relayerOf(env, config)
  return {
    send: (order, waitMs) => stub().send(order, waitMs),
    async outcome(id, waitMs) {
      for (const relayer of config.oldRelayers) {
        const earlier = await relayerOf(env, { ...config, relayer }).outcome(id, waitMs)
        if (earlier.status !== 'none') return earlier
      }
      return stub().outcome(id, waitMs)
    },
    address: () => stub().address(),
    state: () => stub().state(),
  }
}

/** Payers whose payments a facilitator settles; null where none does. */
function payersOf({ BOOK: book, AUTHORIZATIONS: authorizations }: Bindings, config: Config): Payers | null {
  return config.facilitator ? { book, authorizations, chain: config.chain ?? null, relayer: null } : null
}

/** Opens billing for one request or one step; null without a seller. Its code loads when it is opened. */
export function billingOf(env: Bindings): (() => Promise<BillingContext>) | null {
  const read = readConfig(env)
  if (!read.ok || !read.config.bill) return null
  const { config } = read
  const screen = screenOf(env, config)
  const exact = () => exactOf(env, config, { screening: screen && { screen, act: 'invoice' } })
  return async () => (await import('./billing.ts')).openBilling(env, config, exact())
}
