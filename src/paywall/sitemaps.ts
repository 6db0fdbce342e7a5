/** The sitemaps that a site's own robots.txt names. They are read beside a client that gets the file, and shared by KV. */

import { type Background, IsolateCache } from '../platform/isolate-cache.ts'
import { log } from '../platform/log.ts'
import { parseRobots } from '../protocol/http/robots.ts'
import type { Content, Gate } from './gate.ts'
import { canonicalize, siteOrigin, targetOf } from './path.ts'

/** The part of a KV namespace that keeps the paths, by site. */
export type SitemapStore = Pick<KVNamespace, 'get' | 'put'>

/** The store that isolates share. Without it each isolate learns by itself. */
export type Sharing = Background & { store: SitemapStore | undefined }

/** Beyond it the file is passed on unread, as crawlers do (RFC 9309 §2.5). Bytes. */
const MAX_READ_BYTES = 500 * 1024
/** Further lines are ignored. The largest papers have some 50. */
const MAX_NAMED = 1000
/** Hosts of one deployment whose paths an isolate keeps. Beyond it the one asked for longest ago is dropped, and read again. */
const MAX_SITES = 64
/** How long an isolate uses its copy before it reads the store again. Milliseconds. */
const FRESH_MS = 10 * 60_000
/** When it tries again after a failure. Milliseconds. */
const RETRY_MS = 30_000

/** Paths, as rules see them, of the `Sitemap` lines that name this site and no query. */
export function sitemapsIn(robots: string, site: string): Set<string> {
  const found = new Set<string>()
  for (const written of parseRobots(robots).sitemaps) {
    if (written === '') continue
    const url = URL.parse(written, site)
    if (url?.host !== new URL(site).host || url.search !== '') continue
    const path = canonicalize(url)
    if (path.ok && found.size < MAX_NAMED) found.add(path.value.match)
  }
  return found
}

/** The sitemaps of an isolate's sites. */
export class NamedSitemaps {
  readonly #sites: IsolateCache<ReadonlySet<string>>
  /** A site has one content. Not a WeakMap: a thousand sites in turn would wait for its memory. */
  #last: { content: Content; watched: Content } | undefined
  readonly #sharing: Sharing

  constructor(sharing: Sharing) {
    const { store, ...background } = sharing
    this.#sharing = sharing
    this.#sites = new IsolateCache({
      ...background,
      // A set that the isolate has learnt and not shared yet stays.
      read: async (site, last) => {
        const stored = await store?.get<string[]>(keyOf(site), 'json')
        return stored ? new Set(stored) : last
      },
      freshMs: FRESH_MS,
      retryMs: RETRY_MS,
      maxEntries: MAX_SITES,
      report,
    })
  }

  /** The paths that are known of a site, such as "https://site.example". Never waits: the store is read in the background. */
  of(site: string): ReadonlySet<string> | undefined {
    return this.#sites.known(site)
  }

  /** A gate that reads each robots.txt which passes it. A request that gets no page costs nothing more. */
  watch(gate: Gate): Gate {
    return (request, content) => gate(request, this.#watched(content))
  }

  #watched(content: Content): Content {
    if (this.#last?.content === content) return this.#last.watched
    const watched: Content = {
      ...content,
      pass: async (request, target) => {
        const answer = await content.pass(request, target)
        if (!isRobots(request) || answer.status !== 200 || !answer.body) return answer
        const site = siteOrigin(request.url)
        return site === null ? answer : this.#read(answer.body, answer, site)
      },
    }
    this.#last = { content, watched }
    return watched
  }

  /** The client gets the body with its length, which a transformed stream would lose. */
  #read(body: ReadableStream<Uint8Array>, answer: Response, site: string): Response {
    const [shown, read] = body.tee()
    this.#sharing.later(this.#readTo(read, site).catch(report))
    return new Response(shown, answer)
  }

  async #readTo(body: ReadableStream<Uint8Array>, site: string): Promise<void> {
    const decoder = new TextDecoder()
    let [text, bytes] = ['', 0]
    for await (const part of body) {
      text += decoder.decode(part.subarray(0, MAX_READ_BYTES - bytes), { stream: true })
      bytes += part.byteLength
      if (bytes > MAX_READ_BYTES) break
    }
    // The last line may be cut: it names no whole address.
    this.#learn(site, bytes > MAX_READ_BYTES ? text.replace(/[^\n]*$/, '') : text)
  }

  #learn(site: string, robots: string): void {
    const named = sitemapsIn(robots, site)
    const known = this.#sites.known(site)
    this.#sites.set(site, named)
    const { store, later } = this.#sharing
    if (store && [...named].join(' ') !== [...(known ?? [])].join(' '))
      later(store.put(keyOf(site), JSON.stringify([...named])).catch(report))
  }
}

function keyOf(site: string): string {
  return `sitemaps-1 ${site}`
}

function isRobots({ method, url }: Request): boolean {
  return (
    method === 'GET' && /\/robots\.txt$/i.test(url) && targetOf(url)?.path.toLowerCase() === '/robots.txt'
  )
}

function report(fault: unknown): void {
  log('sitemaps_not_shared', { fault })
}
