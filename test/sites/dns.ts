/** A resolver that answers from a zone, in the wire format of application/dns-json. */
import type { Resolver } from '../../src/platform/dns.ts'

/** Records by name and type. */
export type Zone = Record<string, Partial<Record<'A' | 'AAAA' | 'TXT', readonly string[]>>>

const NUMBERS = { A: 1, AAAA: 28, TXT: 16 }

/** The response to one question: NXDOMAIN for a name outside the zone. */
export function answerOf(zone: Zone, url: string): Response {
  const { searchParams } = new URL(url)
  const name = searchParams.get('name') ?? ''
  const type = (searchParams.get('type') ?? 'A') as keyof typeof NUMBERS
  const records = zone[name]?.[type] ?? []
  const body = {
    Status: zone[name] ? 0 : 3,
    TC: false,
    RD: true,
    RA: true,
    AD: false,
    CD: false,
    Question: [{ name, type: NUMBERS[type] }],
    Answer: records.map((text) => ({
      name,
      type: NUMBERS[type],
      TTL: 300,
      data: type === 'TXT' ? JSON.stringify(text) : text,
    })),
  }
  return Response.json(body, { headers: { 'content-type': 'application/dns-json' } })
}

/** The resolver of a zone. */
export function dnsOf(zone: Zone): Resolver {
  return { url: 'https://dns.example/dns-query', fetch: async ({ url }) => answerOf(zone, url) }
}
