/** The schemes of a site, made from its config and bindings. */

import { relayed } from '../chain/facilitator/self.ts'
import { assertAddress } from '../chain/relayer/key.ts'
import type { RelayerBase } from '../chain/relayer/relayer.ts'
import type { Config } from '../config/config.ts'
import { channelScheme } from '../schemes/channel/scheme.ts'
import { type CreditPorts, creditScheme } from '../schemes/credit/scheme.ts'
import { type ExactPorts, type ExactScheme, exactScheme } from '../schemes/exact/scheme.ts'
import type { Schemes } from '../schemes/index.ts'
import type { Bindings } from './bindings.ts'
import { screenOf } from './screening.ts'

/** Makes the schemes that the config offers and the bindings support. */
export function schemesOf(env: Bindings, config: Config): Schemes {
  const { policy, chain, relayer, maxTimeoutSeconds } = config
  const { network, receiver } = policy
  const screen = screenOf(env, config)
  const exact = exactOf(env, config, {
    mayLook: mayLook(env, 'unknown-payers'),
    screening: screen && { screen },
  })
  const schemes: Schemes = { ...(exact && { exact }) }
  if (chain && relayer) {
    const { withdrawDelay, maxUnclaimed } = config
    const { minDeposit, minRefund } = config.gas
    const channel = channelScheme(
      {
        network,
        receiver,
        receiverAuthorizer: relayer.address,
        withdrawDelay,
        minDeposit,
        minRefund,
        maxUnclaimed,
        maxTimeoutSeconds,
      },
      {
        accounts: env.ACCOUNT,
        chain,
        relayer: () => relayerOf(env, config),
        mayRead: (known) => (known ? mayReread(env, known) : mayLook(env, 'unknown-channels')()),
        screening: screen && { screen, authorizations: env.AUTHORIZATIONS },
      },
    )
    schemes.channel = {
      ...channel,
      verify(...payment: Parameters<typeof channel.verify>) {
        assertAddress(relayer)
        return channel.verify(...payment)
      },
    }
  }
  const ports = creditPortsOf(env)
  if (config.credit && ports) schemes.credit = creditScheme({ ...config.credit, maxTimeoutSeconds }, ports)
  return schemes
}

/** One bucket for all of a kind: they cost an attacker nothing, so no key of theirs divides them fairly. */
function mayLook({ CHAIN_READS: reads }: Bindings, key: string): () => Promise<boolean> {
  return async () => (await reads?.limit({ key }))?.success ?? true
}

/** One bucket for each channel that has an account. */
async function mayReread({ CHANNEL_READS: reads }: Bindings, channelId: string): Promise<boolean> {
  return (await reads?.limit({ key: channelId }))?.success ?? true
}

/** The Durable Objects that credit needs; undefined if one of the bindings is missing. */
export function creditPortsOf(env: Bindings): CreditPorts | undefined {
  const { LINES: lines, AGENTS: agents, DIRECTORIES: directories } = env
  if (!lines || !agents || !directories) return undefined
  return {
    lines,
    agents,
    directories: (url) => directories.getByName(url),
    mayAsk: async () => (await env.AGENT_READS?.limit({ key: 'unknown-agents' }))?.success ?? true,
  }
}

/** `exact` by this config; undefined if neither a facilitator nor a relayer is configured. */
export function exactOf(
  env: Bindings,
  config: Config,
  ports: Pick<ExactPorts, 'mayLook' | 'screening'> = {},
): ExactScheme | undefined {
  const { policy, chain, relayer, facilitator, maxTimeoutSeconds } = config
  if (!facilitator && !(chain && relayer)) return undefined
  const { network, receiver } = policy
  return exactScheme(
    { network, receiver, maxTimeoutSeconds },
    { authorizations: env.AUTHORIZATIONS, facilitator: () => facilitatorOf(env, config), ...ports },
  )
}

async function facilitatorOf(env: Bindings, { facilitator, chain, ...config }: Config) {
  if (facilitator) {
    const { remote } = await import('../chain/facilitator/remote.ts')
    return remote({ ...facilitator, ...(chain && { chain }) })
  }
  if (!chain) throw new Error('exact needs a facilitator or a chain')
  return relayed(chain, relayerOf(env, { ...config, chain, facilitator }))
}

/** The relayer of this chain and key: one object owns the key's nonces. */
export function relayerOf(
  env: Pick<Bindings, 'RELAYER'>,
  { policy, relayer }: Config,
): DurableObjectStub<RelayerBase> {
  return env.RELAYER.getByName(`${policy.network.id}:${relayer?.address}`)
}
