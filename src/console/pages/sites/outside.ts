/** Asks the hosts of a site from outside, as crawlers and browsers reach them: the edge Worker cannot ask itself. */
import { isLocalHost } from '../../../sites/host.ts'
import type { CheckedBody as Checked } from '../../answers.ts'

/** A host from outside. `certificate`: whether it answers over https at all. */
export type OutsideView = { host: string; certificate: Checked; crawler: Checked; reader: Checked }

/** The most hosts that are asked. */
export const MAX_LOOKED = 10
const TIMEOUT_MS = 8_000

/** Written out: the table of crawlers would be most of the console's bundle. */
const USER_AGENTS = {
  crawler: 'Mozilla/5.0 (compatible; GPTBot/1.0)',
  reader:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
}

/** Statuses of Cloudflare for a name or a certificate that is not ready. */
const NOT_REACHED: Readonly<Record<number, string>> = {
  421: 'it leads here, but no site has this host yet',
  409: 'the name leads to Cloudflare, but to no zone of yours',
  521: 'the server behind the name refused the connection',
  522: 'the server behind the name did not answer',
  523: 'the name leads to no server',
  525: 'the certificate is not ready',
  526: 'the certificate is not valid',
  530: 'the name leads nowhere',
}

/** Asks for `path` of a host as GPTBot and as a browser. Follows no redirect, and never rejects. */
export async function lookOutside(
  { host, path, isShadow }: { host: string; path: string; isShadow: boolean },
  ask: typeof fetch = fetch,
): Promise<OutsideView> {
  const isLocal = isLocalHost(host)
  const [crawler, reader] = await Promise.all(
    (['crawler', 'reader'] as const).map((as) =>
      statusOf(`${isLocal ? 'http' : 'https'}://${host}${path}`, as, ask),
    ),
  )
  return {
    host,
    certificate: isLocal ? LOCAL : certificateOf(reader ?? null),
    crawler: judge(
      crawler ?? null,
      isLocal,
      isShadow ? (status) => status < 400 : (status) => status === 402,
      {
        must: isShadow
          ? 'shadow mode must serve a crawler the page'
          : 'a crawler must get 402: name a path that is charged',
      },
    ),
    reader: judge(reader ?? null, isLocal, (status) => status < 400, { must: 'a browser must get the page' }),
  }
}

const LOCAL: Checked = { outcome: 'skipped', status: null, why: 'hosts of this machine have none' }

function certificateOf(status: number | null): Checked {
  if (status === null)
    return {
      outcome: 'failed',
      status,
      why: 'no answer over https: the name or its certificate is not ready',
    }
  const isMissing = status === 525 || status === 526
  return {
    outcome: isMissing ? 'failed' : 'ok',
    status: null,
    why: isMissing ? (NOT_REACHED[status] ?? '') : 'valid',
  }
}

function judge(
  status: number | null,
  isLocal: boolean,
  holds: (status: number) => boolean,
  { must }: { must: string },
): Checked {
  // Not every system resolves names below localhost.
  if (status === null && isLocal)
    return { outcome: 'skipped', status, why: 'this machine does not resolve the name' }
  if (status === null) return { outcome: 'failed', status, why: 'it must answer' }
  const ok = holds(status)
  return { outcome: ok ? 'ok' : 'failed', status, why: ok ? '' : (NOT_REACHED[status] ?? must) }
}

async function statusOf(
  url: string,
  as: keyof typeof USER_AGENTS,
  ask: typeof fetch,
): Promise<number | null> {
  try {
    const headers = { 'user-agent': USER_AGENTS[as], accept: 'text/html' }
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await ask(url, { headers, signal, redirect: 'manual' })
    await response.body?.cancel()
    return response.status
  } catch {
    return null
  }
}
