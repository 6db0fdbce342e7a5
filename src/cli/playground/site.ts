/** Sends a crawler's request to the paywall exactly as the page shows it, without a browser's own headers. */
import { request } from 'node:http'
import * as v from 'valibot'
import type { SiteAnswer, SiteRequest } from './calls.ts'

/** The paywall's own pages, and those of the local runtime. */
const CLOSED = /^\/(?:_tab402|cdn-cgi)(?:\/|$)/i
/** Headers that belong to the connection or to the platform in front of the paywall. */
const NOT_OURS =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|te|trailer|expect|cf-.*|mf-.*)$/
const MAX_HEADERS = 32
const MAX_BODY_BYTES = 1_000_000
const TIMEOUT_MS = 30_000

const Wanted = v.object({
  method: v.picklist(['GET', 'HEAD']),
  headers: v.pipe(
    v.record(
      v.pipe(
        v.string(),
        v.regex(/^[a-z0-9-]{1,64}$/),
        v.check((name) => !NOT_OURS.test(name)),
      ),
      v.pipe(v.string(), v.maxLength(16_384), v.regex(/^[\x20-\x7e]*$/)),
    ),
    v.check((headers) => Object.keys(headers).length <= MAX_HEADERS),
  ),
})

/**
 * Sends it. `path` begins with a slash. Null for a request that no crawler may send from here.
 * @throws if the paywall does not answer within 30 s, or with more than 1 MB
 */
export async function askSite(base: string, path: string, wanted: unknown): Promise<SiteAnswer | null> {
  const parsed = v.safeParse(Wanted, wanted)
  if (!parsed.success || path.startsWith('//') || !URL.canParse(base + path)) return null
  const url = new URL(base + path)
  if (CLOSED.test(url.pathname) || url.origin !== base) return null
  return exchange(url, parsed.output)
}

function exchange(url: URL, { method, headers }: SiteRequest): Promise<SiteAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) }, (answer) => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', (text: string) => {
        body += text
        if (body.length > MAX_BODY_BYTES) answer.destroy(new Error('the page must be below 1 MB'))
      })
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: pairs(answer.rawHeaders), body }),
      )
    })
    sent.on('error', reject)
    sent.end()
  })
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at] ?? '', raw[2 * at + 1] ?? ''])
}
