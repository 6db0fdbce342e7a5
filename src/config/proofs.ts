/** The settings of a registry of sites: the operator's own host, and where proofs of hosts are looked for. */
import * as v from 'valibot'
import type { ConfigProblem, Expected } from '../platform/problem.ts'
import { shaped, url } from './fields.ts'

/** Where proofs of hosts are looked for. */
export type ProofConfig = {
  /** A resolver that answers application/dns-json. */
  resolverUrl: string
  /** The zone of the custom hostnames, and a token that may read them. Absent: the platform's validation is not read. */
  hostnames: { api: string; zone: string; token: string } | undefined
}

/** How each setting must look. */
export const PROOF_EXPECTED = {
  DNS_URL: {
    want: 'the https URL of a resolver that answers application/dns-json',
    example: '"https://cloudflare-dns.com/dns-query"',
  },
  CLOUDFLARE_ZONE_ID: {
    want: 'the id of the zone with your custom hostnames: 32 hex digits',
    example: '"023e105f4ecef8ad9ca31a8372d0c353"',
  },
  CLOUDFLARE_API_TOKEN: {
    want: 'a token of Cloudflare that may read the custom hostnames of CLOUDFLARE_ZONE_ID',
    example: 'a token with the permission SSL and Certificates Read',
  },
  CLOUDFLARE_API: {
    want: "the https URL of Cloudflare's API",
    example: '"https://api.cloudflare.com/client/v4"',
  },
} as const satisfies Record<string, Expected>

/** The schemas of these settings, by name. */
export const proofSettings = {
  DNS_URL: v.optional(url, 'https://cloudflare-dns.com/dns-query'),
  CLOUDFLARE_ZONE_ID: v.optional(shaped(/^[0-9a-f]{32}$/)),
  CLOUDFLARE_API_TOKEN: v.optional(shaped(/^[!-~]{8,256}$/)),
  CLOUDFLARE_API: v.optional(url, 'https://api.cloudflare.com/client/v4'),
}

/** This part of the config. */
export function proofConfig(
  settings: v.InferOutput<v.ObjectSchema<typeof proofSettings, undefined>>,
): ProofConfig {
  const { DNS_URL: resolverUrl, CLOUDFLARE_ZONE_ID: zone, CLOUDFLARE_API_TOKEN: token } = settings
  const api = settings.CLOUDFLARE_API.replace(/\/$/, '')
  return { resolverUrl, hostnames: zone && token ? { api, zone, token } : undefined }
}

/** Settings that are missing beside those that are set. `publicUrl`: an example of PUBLIC_URL. */
export function proofProblems(vars: Readonly<Record<string, unknown>>, publicUrl: string): ConfigProblem[] {
  const { SITES, PUBLIC_URL, CLOUDFLARE_ZONE_ID, CLOUDFLARE_API_TOKEN } = vars
  const problems: ConfigProblem[] = []
  // Crawlers and payers open their pages on a host of the operator.
  if (SITES !== undefined && PUBLIC_URL === undefined)
    problems.push({ place: 'PUBLIC_URL', message: 'must be set when SITES is bound', example: publicUrl })
  if (CLOUDFLARE_API_TOKEN !== undefined && CLOUDFLARE_ZONE_ID === undefined) {
    const { example } = PROOF_EXPECTED.CLOUDFLARE_ZONE_ID
    const message = 'must be set when CLOUDFLARE_API_TOKEN is set'
    problems.push({ place: 'CLOUDFLARE_ZONE_ID', message, example })
  }
  if (CLOUDFLARE_ZONE_ID !== undefined && CLOUDFLARE_API_TOKEN === undefined) {
    const { example } = PROOF_EXPECTED.CLOUDFLARE_API_TOKEN
    const message = 'must be set when CLOUDFLARE_ZONE_ID is set'
    problems.push({ place: 'CLOUDFLARE_API_TOKEN', message, example })
  }
  return problems
}
