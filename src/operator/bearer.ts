/** The bearer of a request: the operator's token is the owner, and an API token acts for its principal. */
import { ownerOf, type Principal } from '../people/principal.ts'
import { hashOf } from '../people/secret.ts'
import { API_TOKEN } from '../people/tokens.ts'
import { MINUTE_MS } from '../platform/time.ts'
import type { PeoplePort } from './settings.ts'
import { hasToken } from './token.ts'

/** The bearer, null for a stranger, or `unavailable` where too many strangers ask. */
export type Bearer = Principal | null | 'unavailable'

/**
 * The most unknown API tokens that an isolate looks up in a minute. Threat: each look-up asks the object that signs people in.
 * Beyond it, tokens that this isolate has not seen are answered 503; those in use go on.
 */
export const MAX_UNKNOWN = 60
const MAX_KNOWN = 1_000

/** Finds bearers, and counts the unknown ones. `now` in Unix milliseconds. */
export function bearers(
  people: PeoplePort | undefined,
  tokenSha256: string,
  now: () => number,
): (authorization: string | undefined) => Promise<Bearer> {
  const known = new Set<string>()
  let unknown = { since: 0, count: 0 }
  return async (authorization) => {
    if (await hasToken(authorization, tokenSha256)) return { ...ownerOf(tokenSha256), provenAt: now() }
    const [, token = ''] = /^Bearer ([!-~]{1,512})$/i.exec(authorization ?? '') ?? []
    if (!people || !API_TOKEN.test(token)) return null
    const hash = await hashOf(token)
    if (now() - unknown.since >= MINUTE_MS) unknown = { since: now(), count: 0 }
    if (unknown.count >= MAX_UNKNOWN && !known.has(hash)) return 'unavailable'
    const found = await people.ofToken(token)
    // A token that the owner made ends with the operator's token: who had that one may have made others.
    const principal =
      found && (found.id.startsWith('token ') ? found.id === ownerOf(tokenSha256).id : true) ? found : null
    if (!principal) unknown.count++
    else if (known.size < MAX_KNOWN) known.add(hash)
    return principal
  }
}
