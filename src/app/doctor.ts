/** The doctor's settings, from config and bindings. */
import { codeAt } from '../chain/network-check.ts'
import type { Config } from '../config/config.ts'
import { chainProblems } from '../config/network.ts'
import type { AccessFact, ReceiverFact } from '../doctor/ports.ts'
import type { DoctorSettings } from '../operator/settings.ts'
import type { Bindings } from './bindings.ts'

/** The settings of the doctor. */
export function doctorOf(env: Bindings, config: Config): DoctorSettings {
  const { policy, networks, originSecret, publicUrl } = config
  const { origin } = policy
  const bindings = Object.entries(env).filter(([, value]) => typeof value === 'object' && value !== null)
  return {
    bindings: bindings.map(([name]) => name),
    contracts: () => chainProblems(networks),
    receivers: () => receiversOf(config),
    access: () => accessOf(config),
    origin:
      origin.kind === 'url'
        ? {
            ask: (request) => fetch(request),
            origin: origin.url,
            secret: originSecret,
            host: new URL(publicUrl ?? origin.url.href).host,
          }
        : undefined,
  }
}

async function accessOf({ access }: Config): Promise<AccessFact | null> {
  if (!access) return null
  const { issuer, takesToken } = access
  const answer = await fetch(`${issuer}/cdn-cgi/access/certs`).catch(() => null)
  const body = answer?.ok ? ((await answer.json().catch(() => null)) as { keys?: unknown[] } | null) : null
  return { issuer, takesToken, keys: body?.keys?.length ?? null }
}

async function receiversOf({ policy: { receiver }, networks }: Config): Promise<ReceiverFact[]> {
  const on = networks.flatMap(({ network, chain }) => (chain ? [{ network, chain }] : []))
  return Promise.all(
    on.map(async ({ network, chain }) => {
      const role = receiver === network.usdc.address ? 'token' : receiver === network.escrow ? 'escrow' : null
      const code = await codeAt(chain, receiver).catch(() => null)
      return {
        network: network.title,
        address: receiver,
        role,
        isContract: code === null ? null : code !== '0x',
      }
    }),
  )
}
