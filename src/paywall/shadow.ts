/** The gate in shadow mode: decides and counts as the gate does, serves everybody, and shows clients nothing. */

import { type Asker, classify } from '../identity/classify.ts'
import { crawlerNamed } from '../identity/crawlers.ts'
import type { ShadowKind } from '../ledger/book/shadow.ts'
import { log } from '../platform/log.ts'
import type { Result } from '../protocol/refusal.ts'
import { Decisions } from './decisions.ts'
import type { EditionOptions } from './edition.ts'
import {
  chargedByCloudflare,
  countryOf,
  evidenceOf,
  type Gate,
  type GateOptions,
  isDelivery,
  meansOf,
  unreachable,
} from './gate.ts'
import { canonicalize, siteOrigin, type Target, targetOf } from './path.ts'
import { type Decision, entryName, type Policy } from './policy.ts'
import { withChanges } from './response.ts'
import type { Tally, TallySettings } from './tally.ts'
import { hiddenHeaders } from './terms/origin-price.ts'

/** The settings of a gate that sells nothing. */
export type ShadowOptions = Omit<GateOptions, 'edition' | 'former' | 'newId' | 'counters'> & {
  policy: Policy
  /** The dates of pages that the sitemaps state. Without it only other sources count. */
  dated?: EditionOptions['dated']
  /** The site of a registry; without it the host counts. */
  site?: string | undefined
  tally: Pick<Tally<ShadowKind>, 'count'>
}

/** The names of clients that have none. */
const READERS = 'readers'
const NAMELESS = 'nameless'

/** Longer paths are cut. */
const MAX_PATH_CHARS = 200

/** How many kinds of requests are counted apart within a second. */
export const MAX_SHADOW_KINDS = 2_000

/**
 * How the requests of shadow mode are counted. Beyond the limit a kind is counted with the path `*`, and a crawler that is not
 * in our table with the name `others`: clients choose paths and names, and must not fill the store.
 */
export const SHADOW_COUNTS: TallySettings<ShadowKind> = {
  name: 'shadow',
  waitMs: 1_000,
  maxKinds: MAX_SHADOW_KINDS,
  maxParts: Number.POSITIVE_INFINITY,
  join: (kind) => ({ ...kind, path: '*', crawler: isListed(kind) ? kind.crawler : 'others' }),
  keyOf: ({ site, crawler, class: purpose, rule, action, path }) =>
    [site, crawler, purpose, rule, action, path].join('\n'),
}

function isListed({ crawler }: ShadowKind): boolean {
  return crawler === READERS || crawler === NAMELESS || crawlerNamed(crawler) !== undefined
}

/**
 * Builds the gate. It asks the origin nothing of its own, so a price that the origin states counts from the answer that states it.
 * Requests of readers that nothing holds against are not counted.
 */
export function shadowGate(options: ShadowOptions): Gate {
  const { policy, now, published, cloudflareCharges, tally } = options
  const decisions = new Decisions(policy, 0, now, options.dated)
  const hidden = hiddenHeaders(policy.asksOrigin === true && !cloudflareCharges)

  async function count(request: Request, target: Target, answer: Response): Promise<void> {
    const { method, headers, url } = request
    if (method === 'OPTIONS' || (cloudflareCharges && chargedByCloudflare(headers))) return
    const site = siteOrigin(url) ?? ''
    const page = `${site}${target.path}${target.search}`
    decisions.learn(page, answer.headers)
    const asker = classify(evidenceOf(request, meansOf(headers), published?.()))
    const sitemaps = options.sitemaps?.(site)
    const asked = await decisions.dated({
      method,
      url,
      asker,
      country: countryOf(request),
      now: now(),
      sitemaps,
    })
    const decided = decisions.known(asked, page)
    const ended = { origin: site, asker, decided, head: method === 'HEAD' }
    options.count?.(options.site, ended, 'free', answer.status)
    const path = canonicalize(url, policy.paths)
    const seen = seenOf(options.site ?? '', path.ok ? path.value.match : '*', asker, decided)
    if (asker.kind === 'reader' && seen.action === 'allow') return
    const isSold = seen.action === 'charge' && method !== 'HEAD' && isDelivery(answer)
    tally.count(seen, isSold && decided.ok ? decided.value.price : 0n)
  }

  return async (request, content) => {
    const target = targetOf(request.url) ?? asParsed(request.url)
    const answer = await content.pass(request, target).catch(unreachable)
    try {
      await count(request, target, answer)
    } catch (fault) {
      // A trial must not cost a reader the page.
      log('request_not_counted', { fault })
    }
    return withChanges(answer, { hidden, added: [] })
  }
}

function asParsed(url: string): Target {
  const { pathname: path, search } = new URL(url)
  return { path, search }
}

function seenOf(site: string, path: string, asker: Asker, decided: Result<Decision>): ShadowKind {
  const isReader = asker.kind === 'reader'
  return {
    site,
    crawler: isReader ? READERS : (asker.name ?? NAMELESS),
    class: isReader ? 'reader' : asker.class,
    // A URL that servers read in several ways is answered 400.
    rule: decided.ok ? entryName(decided.value) : 'url',
    action: decided.ok ? decided.value.action : 'block',
    path: path.slice(0, MAX_PATH_CHARS),
  }
}
