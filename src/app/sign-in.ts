/** The principal that a credential proves, by the settings of this deployment. */
import type { AccessConfig } from '../config/access.ts'
import { hasToken } from '../operator/token.ts'
import type { Credential } from '../people/console-call.ts'
import { type Opened, PEOPLE, type People } from '../people/people.ts'
import { ownerOf, type Principal } from '../people/principal.ts'
import type { Bindings } from './bindings.ts'

/** The settings that decide who gets in. `tokenSha256`: of the operator's token. */
export type DoorSettings = { tokenSha256: string | undefined; access: AccessConfig | undefined }

/** Whether the operator's token opens the console here: not where Access does, but for an emergency. */
export function takesToken({ access }: DoorSettings): boolean {
  return access === undefined || access.takesToken
}

/** Whether the one who had this session may still act: a session ends with the token that opened it. */
export function isStillIn({ id }: Principal, door: DoorSettings): boolean {
  if (!id.startsWith('token ')) return true
  return door.tokenSha256 !== undefined && id === ownerOf(door.tokenSha256).id && takesToken(door)
}

/** Opens a session for what a credential proves. @throws if the keys of Access cannot be read */
export async function openFor(
  credential: Credential,
  agent: string,
  door: DoorSettings,
  people: Pick<People, 'open' | 'signIn' | 'byEmail' | 'useCode'>,
): Promise<Opened> {
  const now = Date.now()
  if ('token' in credential) {
    if (!takesToken(door) || !(await hasToken(`Bearer ${credential.token}`, door.tokenSha256))) return UNKNOWN
    const principal = ownerOf(door.tokenSha256)
    return { ok: true, principal, session: await people.open(principal, agent, { provenAt: now }) }
  }
  if ('code' in credential) {
    const principal = await people.useCode(credential.code)
    // It ends with the token whose bearer made it, and opens nothing where that token does not.
    if (!principal || !isStillIn(principal, door) || !takesToken(door)) return UNKNOWN
    return { ok: true, principal, session: await people.open(principal, agent) }
  }
  if ('access' in credential)
    return door.access ? openByAccess(credential.access, agent, door.access, people) : UNKNOWN
  // Access, where it is configured, is the only way in.
  return door.access ? UNKNOWN : people.signIn(credential.assertion, agent)
}

const UNKNOWN: Opened = { ok: false, reason: 'unknown' }

async function openByAccess(
  assertion: string,
  agent: string,
  access: AccessConfig,
  people: Pick<People, 'open' | 'byEmail'>,
): Promise<Opened> {
  const { accessKeys, verifyAccess } = await import('../people/access.ts')
  const keys = known.get(access) ?? accessKeys(access)
  known.set(access, keys)
  const identity = await verifyAccess(assertion, access, keys, Date.now())
  const principal = identity && (await people.byEmail(identity.email))
  if (!identity || !principal) return UNKNOWN
  return { ok: true, principal, session: await people.open(principal, agent, { endsAt: identity.endsAt }) }
}

/** The keys of each config, kept in the isolate. */
const known = new WeakMap<AccessConfig, ReturnType<typeof import('../people/access.ts')['accessKeys']>>()

/** The object of people; undefined where it is not bound. */
export function peopleOf({ PEOPLE: people }: Bindings) {
  return people?.getByName(PEOPLE)
}
