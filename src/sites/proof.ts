/** The proof that a publisher speaks for a host: a record in its DNS, or the platform's own validation. */
import { lookUpRecords, type Resolver } from '../platform/dns.ts'
import type { CustomHostnames } from './custom-hostnames.ts'
import { isLocalHost } from './host.ts'
import type { HostProof, ProofMethod } from './record.ts'

/** The parties that can be asked. Without `hostnames` the platform's validation is not read. */
export type Witnesses = { resolver: Resolver; hostnames: CustomHostnames | undefined }

/** `absent`: nothing proves the host. `unknown`: somebody gave no answer, so a proof may be there. */
export type FoundProof =
  | { outcome: 'proven'; how: ProofMethod }
  | { outcome: 'absent' | 'unknown'; why: string }

/** The name of the TXT record that proves a host. */
export function proofName(host: string): string {
  return `_tab402.${host}`
}

/** Looks for the proof of a host. Never throws. */
export async function findProof({ host, token }: HostProof, witnesses: Witnesses): Promise<FoundProof> {
  if (isLocalHost(host)) return { outcome: 'proven', how: 'local' }
  const { resolver, hostnames } = witnesses
  const [records, hostname] = await Promise.all([
    lookUpRecords(resolver, proofName(host), 'TXT'),
    hostnames ? hostnames(host) : null,
  ])
  if (records.outcome === 'found' && records.records.some((record) => record.trim() === token))
    return { outcome: 'proven', how: 'txt' }
  if (hostname?.outcome === 'active') return { outcome: 'proven', how: 'platform' }
  if (records.outcome === 'unknown') return { outcome: 'unknown', why: records.why }
  if (hostname?.outcome === 'unknown') return { outcome: 'unknown', why: hostname.why }
  const why =
    records.outcome === 'found'
      ? `no TXT record of ${proofName(host)} has the token`
      : `${proofName(host)} has no TXT record`
  return { outcome: 'absent', why }
}
