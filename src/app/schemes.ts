/** The schemes of a site, made from its config and bindings. */

import type { Facilitator } from '../chain/facilitator/facilitator.ts'
import { relayed } from '../chain/facilitator/self.ts'
import { assertAddress, type RelayerKey } from '../chain/relayer/key.ts'
import type { RelayerBase } from '../chain/relayer/relayer.ts'
import type { Config } from '../config/config.ts'
import type { NetworkConfig } from '../config/network.ts'
import type { Network } from '../protocol/evm/network.ts'
import { channelScheme } from '../schemes/channel/scheme.ts'
import { openSigners, type Signers } from '../schemes/credit/agent-cache.ts'
import { type CreditPorts, creditScheme } from '../schemes/credit/scheme.ts'
import { type ExactPorts, type ExactScheme, exactScheme } from '../schemes/exact/scheme.ts'
import type { Schemes } from '../schemes/index.ts'
import type { Bindings } from './bindings.ts'
import { screenOf } from './screening.ts'

/** Makes the schemes that the config offers and the bindings support, each for every network that it can stand on. */
export function schemesOf(env: Bindings, config: Config): Schemes {
  const { maxTimeoutSeconds } = config
  const offered = config.networks.slice(0, config.policy.networks.length)
  const ports = creditPortsOf(env)
  return {
    exact: exactOf(env, config, offered, { mayLook: mayRead(env, 'unknown-payers') }),
    channel: offered.flatMap((on) => channelOf(env, config, on) ?? []),
    credit:
      config.credit && ports
        ? [creditScheme({ ...config.credit, maxTimeoutSeconds }, ports, signersOf(env, ports))]
        : [],
  }
}

function channelOf(env: Bindings, config: Config, { network, chain, gas }: NetworkConfig) {
  const { policy, relayer, withdrawDelay, maxUnclaimed, maxTimeoutSeconds } = config
  if (!chain || !relayer || !network.hasEscrow) return undefined
  const screen = screenOf(env, config, network.id)
  const channel = channelScheme(
    {
      network,
      receiver: policy.receiver,
      receiverAuthorizer: relayer.address,
      withdrawDelay,
      minDeposit: gas.minDeposit,
      minRefund: gas.minRefund,
      maxUnclaimed,
      maxTimeoutSeconds,
    },
    {
      accounts: env.ACCOUNT,
      chain,
      relayer: () => relayerOf(env, network, relayer),
      mayRead: mayRead(env, 'unknown-channels'),
      screening: screen && { screen, authorizations: env.AUTHORIZATIONS },
    },
  )
  return {
    ...channel,
    verify(...payment: Parameters<typeof channel.verify>) {
      assertAddress(relayer)
      return channel.verify(...payment)
    },
  }
}

/**
 * Whether the chain may be read now: one bucket for each channel or payer that has an account, and one for all strangers of a
 * kind. Strangers cost an attacker nothing, so no key of theirs divides them fairly.
 */
function mayRead({ CHAIN_READS: all, CHANNEL_READS: each }: Bindings, strangers: string) {
  return async (customer?: string): Promise<boolean> => {
    const bucket = customer === undefined ? all?.limit({ key: strangers }) : each?.limit({ key: customer })
    return (await bucket)?.success ?? true
  }
}

const signers = new WeakMap<Bindings, Signers>()

/** One roster of agents for all sites of an isolate: a thousand sites would each hold every agent that asks them. */
function signersOf(env: Bindings, ports: CreditPorts): Signers {
  const opened = signers.get(env) ?? openSigners(ports)
  signers.set(env, opened)
  return opened
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

/** `exact` on each of these networks that has a facilitator, or a chain and a relayer. `act`: the act that payers are screened for. */
export function exactOf(
  env: Bindings,
  config: Config,
  networks: readonly NetworkConfig[],
  { act, ...ports }: Pick<ExactPorts, 'mayLook'> & { act?: 'invoice' } = {},
): ExactScheme[] {
  const { policy, relayer, maxTimeoutSeconds } = config
  return networks.flatMap((on) => {
    const { network, facilitator, chain } = on
    if (!facilitator && !(chain && relayer)) return []
    const screen = screenOf(env, config, network.id)
    return exactScheme(
      { network, receiver: policy.receiver, maxTimeoutSeconds },
      {
        authorizations: env.AUTHORIZATIONS,
        facilitator: () => facilitatorOf(env, on, relayer),
        screening: screen && { screen, ...(act && { act }) },
        ...ports,
      },
    )
  })
}

async function facilitatorOf(
  env: Bindings,
  { network, facilitator, chain }: NetworkConfig,
  relayer: RelayerKey | undefined,
): Promise<Facilitator> {
  if (facilitator) {
    const { remote } = await import('../chain/facilitator/remote.ts')
    return remote({ ...facilitator, ...(chain && { chain }) })
  }
  if (!chain || !relayer) throw new Error('exact needs a facilitator, or a chain and a relayer')
  return relayed(chain, relayerOf(env, network, relayer))
}

/** The relayer of a chain and a key: one object owns the key's nonces there. */
export function relayerOf(
  env: Pick<Bindings, 'RELAYER'>,
  { id }: Pick<Network, 'id'>,
  { address }: Pick<RelayerKey, 'address'>,
): DurableObjectStub<RelayerBase> {
  return env.RELAYER.getByName(`${id}:${address}`)
}
