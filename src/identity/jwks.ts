/** Fetching an agent's key directory: one request, and nothing that a hostile server answers costs more than its limits. */
import { readKeys, type VerificationKey } from './jwk.ts'

/** `failed` says nothing about the keys: the directory was not read. `maxAge` in seconds, where the directory says one. */
export type Fetched =
  | { outcome: 'read'; keys: VerificationKey[]; maxAge: number | null }
  | { outcome: 'failed'; why: string }

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** For the whole exchange, headers and body. */
export const FETCH_TIMEOUT_MS = 2000
/** After content decoding, so that a small answer cannot unfold into a large one. */
export const LARGEST = 65_536

const TYPES = [
  'application/http-message-signatures-directory+json',
  'application/jwk-set+json',
  'application/jwk+json',
  'application/json',
]

/**
 * Reads the JWK Set at an agent's URL (draft-ietf-webbotauth-httpsig-protocol, §Key Distribution and Discovery). Only `200`
 * with a JSON type is an answer; redirects are not followed. Never rejects.
 */
export async function fetchKeys(url: string, fetch: Fetch, timeoutMs = FETCH_TIMEOUT_MS): Promise<Fetched> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    return await Promise.race([exchange(url, fetch, signal), timeout(signal)])
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return { outcome: 'failed', why: why.slice(0, 200) }
  }
}

async function exchange(url: string, fetch: Fetch, signal: AbortSignal): Promise<Fetched> {
  const headers = { accept: TYPES.join(', '), 'user-agent': 'tab402 key directory reader' }
  const response = await fetch(url, { headers, redirect: 'manual', signal })
  const type = response.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (response.status !== 200 || !TYPES.includes(type)) {
    await response.body?.cancel()
    return { outcome: 'failed', why: `answered ${response.status} ${type.slice(0, 80)}` }
  }
  const text = await readText(response, signal)
  if (text === null) return { outcome: 'failed', why: `answered more than ${LARGEST} bytes` }
  const read = readKeys(JSON.parse(text))
  if (!read) return { outcome: 'failed', why: 'answered no JWK Set' }
  return { outcome: 'read', keys: read.keys, maxAge: maxAgeOf(response.headers) }
}

/** The body; null as soon as it is too large. What nobody reads any more is cancelled. */
async function readText(response: Response, signal: AbortSignal): Promise<string | null> {
  const reader = response.body?.getReader()
  if (!reader) return ''
  const stop = () => void reader.cancel().catch(() => undefined)
  signal.addEventListener('abort', stop)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  let text = ''
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    size += value.byteLength
    if (size > LARGEST) {
      stop()
      return null
    }
    text += decoder.decode(value, { stream: true })
  }
}

/** Rejects when the time is up, even if the server, or `fetch`, takes no notice of the signal. */
function timeout(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('took too long')))
  })
}

/** `Cache-Control: max-age` (RFC 9111 §5.2.2.1); 0 when it forbids keeping. */
function maxAgeOf(headers: Headers): number | null {
  const control = headers.get('cache-control')?.toLowerCase() ?? ''
  if (/\bno-(?:store|cache)\b/.test(control)) return 0
  const [, seconds] = /\bmax-age=(\d{1,9})\b/.exec(control) ?? []
  return seconds === undefined ? null : Number(seconds)
}
