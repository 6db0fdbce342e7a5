/** Custom hostnames of the operator's zone (Cloudflare for SaaS): whether the platform has validated one. */
import * as v from 'valibot'

/** A custom hostname in Cloudflare's words: its status, and that of its certificate. Null where the zone has none, or names none. */
export type CustomHostname = {
  outcome: 'active' | 'inactive'
  status: string | null
  certificate: string | null
}

/** How the platform sees a host. `unknown`: its API gave no usable answer. Never throws. */
export type CustomHostnames = (host: string) => Promise<CustomHostname | { outcome: 'unknown'; why: string }>

/** The zone, a token that may read its custom hostnames ("SSL and Certificates Read"), and the API's URL. */
export type HostnamesSettings = {
  api: string
  zone: string
  token: string
  fetch: (request: Request) => Promise<Response>
}

const TIMEOUT_MS = 5_000

const answer = v.object({
  result: v.array(
    v.object({
      hostname: v.string(),
      status: v.optional(v.string()),
      ssl: v.nullish(v.object({ status: v.optional(v.string()) })),
    }),
  ),
})

/**
 * Reads custom hostnames through Cloudflare's API. One with the status `active` is validated: its owner has pointed the host
 * at the operator's zone, or set the record that the platform asked for.
 */
export function customHostnames({ api, zone, token, fetch }: HostnamesSettings): CustomHostnames {
  return async (host) => {
    const url = new URL(`${api}/zones/${zone}/custom_hostnames`)
    url.searchParams.set('hostname', host)
    try {
      const headers = { authorization: `Bearer ${token}` }
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const response = await fetch(new Request(url, { headers, signal, redirect: 'manual' }))
      if (!response.ok) return { outcome: 'unknown', why: `Cloudflare's API answered ${response.status}` }
      const read = v.safeParse(answer, await response.json())
      if (!read.success) return { outcome: 'unknown', why: "Cloudflare's API answered in another format" }
      const found = read.output.result.find(({ hostname }) => hostname === host)
      const { status = null, ssl } = found ?? {}
      const outcome = status === 'active' ? 'active' : 'inactive'
      return { outcome, status, certificate: ssl?.status ?? null }
    } catch {
      return { outcome: 'unknown', why: "Cloudflare's API did not answer" }
    }
  }
}
