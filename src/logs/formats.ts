/** The one list of log formats. A new format is a file and a line here. Pure. */
import { akamai } from './akamai.ts'
import { caddy } from './caddy.ts'
import { logpush, trace } from './cloudflare.ts'
import { cloudfront, cloudfrontJson } from './cloudfront.ts'
import { combined } from './combined.ts'
import type { LogFormat } from './format.ts'
import { vercel } from './vercel.ts'

/** Every format, in the order in which they are tried. */
export const FORMATS: readonly LogFormat[] = [
  combined,
  caddy,
  logpush,
  trace,
  cloudfront,
  cloudfrontJson,
  vercel,
  akamai,
]

/** The format of the first line that belongs to one; undefined if none does. */
export function sniff(lines: readonly string[]): LogFormat | undefined {
  for (const line of lines) {
    const format = FORMATS.find(({ owns }) => owns(line))
    if (format) return format
  }
  return undefined
}
