/** Fetches an agent's key directory in one request, within limits that hold for hostile servers. */
import { readKeys, type VerificationKey } from './jwk.ts'

/** The result of a fetch. `failed` leaves the keys unknown. `maxAge` in seconds, if the directory sends one. */
export type Fetched =
  | { outcome: 'read'; keys: VerificationKey[]; maxAge: number | null }
  | { outcome: 'failed'; why: string }

/** The signature of `fetch`, so that tests can replace it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** For the whole exchange, headers and body. */
export const FETCH_TIMEOUT_MS = 2000
/** After content decoding, so that a small compressed answer cannot expand into a large one. Bytes. */
export const LARGEST = 65_536

const TYPES = [
  'application/http-message-signatures-directory+json',
  'application/jwk-set+json',
  'application/jwk+json',
  'application/json',
]

/**
 * Reads the JWK Set at an agent's URL (draft-ietf-webbotauth-httpsig-protocol, §Key Distribution and Discovery). Accepts
 * only `200` with a JSON type and follows no redirects. The promise never rejects.
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

/** The body, or null as soon as it is too large; then cancels the rest. */
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

/** Rejects at the timeout, even if the server or `fetch` ignores the signal. */
function timeout(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('took too long')))
  })
}

/** `Cache-Control: max-age` (RFC 9111 §5.2.2.1); 0 when it forbids caching. */
function maxAgeOf(headers: Headers): number | null {
  const control = headers.get('cache-control')?.toLowerCase() ?? ''
  if (/\bno-(?:store|cache)\b/.test(control)) return 0
  const [, seconds] = /\bmax-age=(\d{1,9})\b/.exec(control) ?? []
  return seconds === undefined ? null : Number(seconds)
}
