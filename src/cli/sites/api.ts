/** The operator's API of a deployment, as the command line calls it. */
import { CommandError } from '../command.ts'

/** One fault of a document: its place, and what must be there. */
export type Fault = { path: string; message: string; expected: string }

/** An answer of the API. `faults` is empty below 400. */
export type ApiAnswer = {
  status: number
  body: Record<string, unknown>
  etag: string | null
  faults: Fault[]
}

/** Calls the API. `path` is relative to `/_tab402/api/`. */
export type CallApi = (
  method: string,
  path: string,
  sent?: { body?: unknown; ifMatch?: string },
) => Promise<ApiAnswer>

const TIMEOUT_MS = 30_000

/** The API at the operator's host, for the bearer of `token`. A call throws CommandError where it got no usable answer. */
export function apiOf(url: string, token: string, ask: typeof fetch = fetch): CallApi {
  return async (method, path, { body, ifMatch } = {}) => {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` }
    if (ifMatch !== undefined) headers['if-match'] = ifMatch
    const response = await ask(new URL(`/_tab402/api/${path}`, url), {
      method,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch(() => {
      throw new CommandError(`${url} must answer. Check --url, and your network.`)
    })
    const { status } = response
    const answer = await bodyOf(response)
    if (status === 401) throw new CommandError('OPERATOR_TOKEN must be the token of this deployment.')
    if (answer === null) throw new CommandError(`${url} must be the operator's host: it answered ${status}.`)
    if (status >= 500) throw new CommandError(`${url} answered ${status}: ${String(answer.detail ?? '')}`)
    return { status, body: answer, etag: response.headers.get('etag'), faults: faultsOf(status, answer) }
  }
}

/** A page after the other of a list. */
export async function* pagesOf(
  call: CallApi,
  path: string,
  member: string,
): AsyncGenerator<ApiAnswer['body']> {
  const joint = path.includes('?') ? '&' : '?'
  for (let after = ''; ; ) {
    const page = after === '' ? path : `${path}${joint}after=${encodeURIComponent(after)}`
    const { body } = await call('GET', page)
    yield* body[member] as ApiAnswer['body'][]
    if (typeof body.next !== 'string') return
    after = body.next
  }
}

async function bodyOf(response: Response): Promise<Record<string, unknown> | null> {
  const text = await response.text()
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : null
  } catch (cause) {
    if (cause instanceof SyntaxError) return null
    throw cause
  }
}

function faultsOf(status: number, { errors, title, detail }: Record<string, unknown>): Fault[] {
  if (status < 400) return []
  if (Array.isArray(errors) && errors.length > 0) return errors as Fault[]
  return [{ path: '', message: `${String(title)}. ${String(detail)}`, expected: '' }]
}
