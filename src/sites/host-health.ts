/** Whether a host still leads here: its addresses, its proof, and its certificate where the platform reports one. */
import { lookUpRecords } from '../platform/dns.ts'
import { isLocalHost } from './host.ts'
import { findProof, proofName, type Witnesses } from './proof.ts'
import type { HostProof } from './record.ts'

/** `unknown`: a resolver or the platform gave no answer. */
export type HostHealth = { outcome: 'ok' } | { outcome: 'broken' | 'unknown'; why: string }

const OK: HostHealth = { outcome: 'ok' }

/**
 * Checks one host. Never throws. A certificate is known only of a custom hostname: a Worker's own request for a host of its zone
 * goes to the origin, past the certificate that readers see.
 */
export async function checkHost(host: HostProof, witnesses: Witnesses): Promise<HostHealth> {
  if (isLocalHost(host.host)) return OK
  const found = await Promise.all([
    addressesOf(host, witnesses),
    proofOf(host, witnesses),
    hostnameOf(host, witnesses),
  ])
  return (
    found.find(({ outcome }) => outcome === 'broken') ?? found.find(({ outcome }) => outcome !== 'ok') ?? OK
  )
}

async function addressesOf({ host }: HostProof, { resolver }: Witnesses): Promise<HostHealth> {
  const found = await Promise.all((['A', 'AAAA'] as const).map((type) => lookUpRecords(resolver, host, type)))
  if (found.some(({ outcome }) => outcome === 'found')) return OK
  const failed = found.find((records) => records.outcome === 'unknown')
  return failed ? failed : { outcome: 'broken', why: 'its name must have an address' }
}

/** The record of a host that was proven by one. Other proofs leave nothing to look at in DNS. */
async function proofOf(host: HostProof, { resolver }: Witnesses): Promise<HostHealth> {
  if (host.how !== 'txt') return OK
  const found = await findProof(host, { resolver, hostnames: undefined })
  if (found.outcome === 'proven') return OK
  if (found.outcome === 'unknown') return { outcome: 'unknown', why: found.why }
  return { outcome: 'broken', why: `${proofName(host.host)} must have a TXT record with its token` }
}

async function hostnameOf({ host, how }: HostProof, { hostnames }: Witnesses): Promise<HostHealth> {
  const found = await hostnames?.(host)
  if (!found) return OK
  if (found.outcome === 'unknown') return { outcome: 'unknown', why: found.why }
  const { status, certificate } = found
  // A host of the operator's own zone needs no custom hostname.
  if (status === null && how !== 'platform') return OK
  if (status !== 'active')
    return { outcome: 'broken', why: `the custom hostname must be active, and is ${status ?? 'missing'}` }
  const isCertified = certificate === null || certificate === 'active'
  return isCertified ? OK : { outcome: 'broken', why: `its certificate is ${certificate}` }
}
