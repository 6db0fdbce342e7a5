/** Checks a site before people and crawlers come: its hosts, its origin, and what its paywall answers. */
import { userAgentOf } from '../paywall/explain.ts'
import { canonicalize, originUrl } from '../paywall/path.ts'
import { lookUpRecords } from '../platform/dns.ts'
import { isLocalHost } from '../sites/host.ts'
import { type FoundProof, findProof, proofName } from '../sites/proof.ts'
import { mayAsk } from '../sites/public-url.ts'
import type { HostProof, SiteRecord } from '../sites/record.ts'
import type { RequestError } from './problem.ts'
import type { OpenedSite, SitesPort } from './settings.ts'
import { errorOf } from './site-documents.ts'

/** One thing that was checked. `status`: of the answer, where there was one. `skipped`: it does not apply. */
export type CheckFinding = {
  outcome: 'ok' | 'failed' | 'unknown' | 'skipped'
  status: number | null
  why: string
}

/** A host with its proof, and what the paywall answers under its name. */
export type CheckedHost = Pick<HostProof, 'host' | 'token' | 'how'> & {
  /** The name of the TXT record. */
  record: string
  proof: CheckFinding
  /** Whether the host has an address in DNS. */
  dns: CheckFinding
  /** Whether the platform has a certificate for it. It reports those of custom hostnames alone. */
  certificate: CheckFinding
  crawler: CheckFinding
  reader: CheckFinding
}

/** The findings. `ok`: the document is valid, and nothing failed or stayed unknown. */
export type CheckedSite = {
  id: string
  ok: boolean
  errors: RequestError[]
  warnings: RequestError[]
  hosts: CheckedHost[]
  origin: CheckFinding
  sideDoor: CheckFinding
}

/** The most hosts whose paywall is asked in one check. Others are `skipped`. */
const MAX_PROBED_HOSTS = 10
const CRAWLER = userAgentOf('GPTBot')
const BROWSER = userAgentOf('reader')

/** Looks for the proofs of hosts that have none yet. By host. Stores nothing. */
export async function findProofs(
  { witnesses }: Pick<SitesPort, 'witnesses'>,
  { hosts }: Pick<SiteRecord, 'hosts'>,
): Promise<Map<string, FoundProof>> {
  const unproven = hosts.filter(({ provenAt }) => provenAt === null)
  return new Map(
    await Promise.all(unproven.map(async (host) => [host.host, await findProof(host, witnesses)] as const)),
  )
}

/**
 * Checks the draft of a site, or what is published where it has none. `proofs` are those that were just looked for. The
 * crawler asks for `path`, the reader too. The paywall is asked in this Worker: only a client outside shows whether a host
 * leads here.
 */
export async function checkSite(
  port: SitesPort,
  { id, draft, published, hosts }: SiteRecord,
  proofs: ReadonlyMap<string, FoundProof>,
  path: string,
): Promise<CheckedSite> {
  const document = (draft ?? published)?.document
  const judged = document ? await port.registry().check(document) : null
  const errors = judged && !judged.ok ? judged.problems.map(errorOf) : []
  const warnings = judged?.ok ? (judged.warnings ?? []).map(errorOf) : []
  const site = document && judged?.ok ? await port.open(document) : undefined
  const first = hosts[0]?.host ?? ''
  const [origin, sideDoor, checked] = await Promise.all([
    originOf(port, site, first, path),
    sideDoorOf(port, site, first, path),
    Promise.all(
      hosts.map(async (host, at) => {
        const asked = at < MAX_PROBED_HOSTS ? site : undefined
        const [dns, certificate, paywall] = await Promise.all([
          dnsOf(port, host.host),
          certificateOf(port, host.host),
          paywallOf(asked, host.host, path),
        ])
        return { ...proofOf(host, proofs.get(host.host)), dns, certificate, ...paywall }
      }),
    ),
  ])
  const findings = [
    origin,
    sideDoor,
    ...checked.flatMap(({ proof, dns, certificate, ...paywall }) => [
      ...[proof, dns, certificate],
      ...[paywall.crawler, paywall.reader],
    ]),
  ]
  const ok = errors.length === 0 && findings.every(({ outcome }) => outcome === 'ok' || outcome === 'skipped')
  return { id, ok, errors, warnings, hosts: checked, origin, sideDoor }
}

function proofOf({ host, token, how: known }: HostProof, found: FoundProof | undefined) {
  const how = found?.outcome === 'proven' ? found.how : known
  const record = proofName(host)
  if (how !== null) return { host, token, how, record, proof: finding('ok', `proven: ${how}`) }
  const outcome = found?.outcome === 'unknown' ? 'unknown' : 'failed'
  const why = found && found.outcome !== 'proven' ? found.why : 'must be proven'
  return { host, token, how, record, proof: finding(outcome, why) }
}

/** Whether the host has an address. Where it leads, only a client outside can see. */
async function dnsOf({ witnesses: { resolver } }: SitesPort, host: string): Promise<CheckFinding> {
  if (isLocalHost(host)) return finding('ok', 'a host of this machine')
  const read = await Promise.all([lookUpRecords(resolver, host, 'A'), lookUpRecords(resolver, host, 'AAAA')])
  const found = read.flatMap((each) => (each.outcome === 'found' ? each.records : []))
  if (found.length > 0) return finding('ok', `leads to ${found.slice(0, 3).join(', ')}`)
  const open = read.find((each) => each.outcome === 'unknown')
  if (open) return finding('unknown', open.why)
  return finding('failed', 'must have a record in DNS that leads here')
}

async function certificateOf({ witnesses }: SitesPort, host: string): Promise<CheckFinding> {
  const found = isLocalHost(host) ? undefined : await witnesses.hostnames?.(host)
  if (found?.outcome === 'unknown') return finding('unknown', found.why)
  if (!found || found.certificate === null) return UNREPORTED
  return found.certificate === 'active'
    ? finding('ok', 'active')
    : finding('failed', `must be active: the platform says ${found.certificate}`)
}

/** The answers of the paywall to a crawler and to a browser. */
async function paywallOf(site: OpenedSite | undefined, host: string, path: string) {
  if (!site) return { crawler: SKIPPED, reader: SKIPPED }
  const ask = async (userAgent: string) => {
    const scheme = isLocalHost(host) ? 'http' : 'https'
    const headers = { 'user-agent': userAgent, accept: 'text/html' }
    return statusOf(() => site.fetch(new Request(`${scheme}://${host}${path}`, { headers })))
  }
  // Shadow mode counts those who ask.
  if (site.isShadow) return { crawler: SHADOW, reader: SHADOW }
  const [crawler, reader] = await Promise.all([ask(CRAWLER), ask(BROWSER)])
  return {
    crawler: judge(
      crawler,
      (status) => status === 402,
      'a crawler must get 402 here: name a path that is charged',
    ),
    reader: judge(reader, (status) => status < 400, 'a browser must get the page'),
  }
}

/** A request for an origin, as the Worker sends it or past the Worker. `secret` is sent as `tab402-origin-secret`. */
type AskedOrigin = {
  ask: SitesPort['ask']
  origin: URL
  secret: string | undefined
  host: string
  path: string
}

/** Whether the origin answers to us: anything but a failure of its own. */
export async function originAnswers({ ask, origin, secret, host, path }: AskedOrigin): Promise<CheckFinding> {
  const headers: Record<string, string> = { 'user-agent': BROWSER, 'x-forwarded-host': host }
  if (secret !== undefined) headers['tab402-origin-secret'] = secret
  const answer = await askedAt(ask, origin, path, headers)
  return judge(answer, (status) => status < 500, 'the origin must answer')
}

/** Whether the origin refuses those who come past the paywall. */
export async function originRefuses({ ask, origin, host, path }: AskedOrigin): Promise<CheckFinding> {
  const headers = { 'user-agent': CRAWLER, 'x-forwarded-host': host }
  const answer = await askedAt(ask, origin, path, headers)
  const open = 'the origin must refuse requests without the header tab402-origin-secret'
  return judge(answer, (status) => status >= 300, open)
}

async function originOf(
  { witnesses, ask }: SitesPort,
  site: OpenedSite | undefined,
  host: string,
  path: string,
): Promise<CheckFinding> {
  if (!site) return SKIPPED
  const { origin, secret } = site
  if (!origin) return NOT_ALONE
  const may = await mayAsk(origin, host, witnesses.resolver)
  if (!may.ok) return finding('failed', `ORIGIN ${may.why}`)
  return originAnswers({ ask, origin, secret, host, path })
}

async function sideDoorOf(
  { witnesses, ask }: SitesPort,
  site: OpenedSite | undefined,
  host: string,
  path: string,
): Promise<CheckFinding> {
  if (!site?.origin) return NOT_ALONE
  const { origin, secret } = site
  if (!(await mayAsk(origin, host, witnesses.resolver)).ok) return UNASKED
  return originRefuses({ ask, origin, secret, host, path })
}

const NOT_ALONE = finding('skipped', 'the origin is asked by a binding, or under the host of the site')
const UNASKED = finding('skipped', 'the origin must be one that may be asked')
const UNREPORTED = finding('skipped', 'the platform reports certificates of custom hostnames alone')
const SHADOW = finding('skipped', 'shadow mode serves everybody')
const SKIPPED = finding('skipped', 'the document must be valid first, and a check asks at most 10 hosts')

function finding(outcome: CheckFinding['outcome'], why: string, status: number | null = null): CheckFinding {
  return { outcome, status, why }
}

/** Asks an origin for a path. Threat: `//evil.example` is a path too, so the URL is built from parts. */
async function askedAt(
  ask: SitesPort['ask'],
  origin: URL,
  path: string,
  headers: Record<string, string>,
): Promise<Asked> {
  const read = canonicalize(`https://${origin.host}${path}`)
  if (!read.ok) return { status: null, why: 'the path must be one that the paywall reads' }
  return statusOf(() => ask(new Request(originUrl(origin, read.value), { headers, redirect: 'manual' })))
}

type Asked = { status: number | null; why: string }

/** The status of an answer, whose body is not read. Never throws. */
async function statusOf(ask: () => Promise<Response>): Promise<Asked> {
  try {
    const response = await ask()
    await response.body?.cancel()
    return { status: response.status, why: '' }
  } catch {
    return { status: null, why: 'no answer' }
  }
}

function judge({ status, why }: Asked, holds: (status: number) => boolean, must: string): CheckFinding {
  if (status === null) return finding('failed', `${must}: ${why}`)
  return holds(status) ? finding('ok', `answered ${status}`, status) : finding('failed', must, status)
}
