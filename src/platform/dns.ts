/** DNS over HTTPS in its JSON form (application/dns-json), as the resolvers of Cloudflare and Google answer it. */
import * as v from 'valibot'

/** A resolver: its URL without a query, and how to reach it. */
export type Resolver = { url: string; fetch: (request: Request) => Promise<Response> }

/** The records of a name. `absent`: it has none of this type. `unknown`: the resolver gave no usable answer. */
export type Records =
  | { outcome: 'found'; records: string[] }
  | { outcome: 'absent' }
  | { outcome: 'unknown'; why: string }

const TIMEOUT_MS = 5_000
/** The numbers of the types that are asked for (RFC 1035 §3.2.2, RFC 3596 §2.1). An answer also holds the CNAMEs on the way. */
const TYPES = { A: 1, AAAA: 28, TXT: 16 } as const
/** RFC 1035 §4.1.1: no error, and a name that does not exist. All others leave the question open. */
const [NO_ERROR, NO_SUCH_NAME] = [0, 3]

const answer = v.object({
  Status: v.number(),
  Answer: v.optional(v.array(v.object({ type: v.number(), data: v.string() })), []),
})

/** Asks for the records of one type. Never throws: a failure is `unknown`. */
export async function lookUpRecords(
  resolver: Resolver,
  name: string,
  type: keyof typeof TYPES,
): Promise<Records> {
  const url = new URL(resolver.url)
  url.searchParams.set('name', name)
  url.searchParams.set('type', type)
  try {
    const headers = { accept: 'application/dns-json' }
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await resolver.fetch(new Request(url, { headers, signal, redirect: 'manual' }))
    if (!response.ok) return unknown(`the resolver answered ${response.status}`)
    const read = v.safeParse(answer, await response.json())
    if (!read.success) return unknown('the resolver answered in another format')
    const { Status: status, Answer: found } = read.output
    if (status !== NO_ERROR && status !== NO_SUCH_NAME) return unknown(`the name servers failed (${status})`)
    const records = found.filter((record) => record.type === TYPES[type]).map(({ data }) => data)
    if (records.length === 0) return { outcome: 'absent' }
    return { outcome: 'found', records: type === 'TXT' ? records.map(textOf) : records }
  } catch {
    return unknown('the resolver did not answer')
  }
}

function unknown(why: string): Records {
  return { outcome: 'unknown', why }
}

/** The text of a TXT record: its strings without quotes, joined (RFC 1035 §5.1, RFC 7208 §3.3). Some resolvers quote none. */
function textOf(data: string): string {
  if (!data.startsWith('"')) return data
  const strings = [...data.matchAll(/"((?:[^"\\]|\\[\s\S])*)"/g)].map(([, text = '']) => text)
  return strings
    .join('')
    .replace(/\\(?:(\d{3})|([\s\S]))/g, (_, code?: string, char?: string) =>
      code === undefined ? (char ?? '') : String.fromCharCode(Number(code)),
    )
}
