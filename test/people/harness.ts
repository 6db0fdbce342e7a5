/** An object of people, its members with their authenticators, and the time that passes. */
import { env, runInDurableObject } from 'cloudflare:test'
import type { MemberDraft } from '../../src/people/member.ts'
import type { Principal } from '../../src/people/principal.ts'
import { newAuthenticator } from './authenticator.ts'

export const principal = (id: string): Principal => ({ id, name: id, role: 'operator', publisher: null })
export const ORIGIN = 'https://console.example.com'
export const DRAFT: MemberDraft = {
  name: 'Ann',
  email: 'ann@example.com',
  role: 'accountant',
  publisher: null,
}
export const TOKEN = { name: 'export', scopes: ['export'], days: 1 } as const

export function people() {
  const { PEOPLE } = env
  if (!PEOPLE) throw new Error('PEOPLE must be bound')
  return PEOPLE.getByName(crypto.randomUUID())
}

export type Stub = ReturnType<typeof people>

/** Moves every stored time into the past: as if so long had passed. */
export async function pass(object: Stub, ms: number): Promise<void> {
  await runInDurableObject(object, (_, { storage }) => {
    for (const [table, columns] of [
      ['session', ['opened_at', 'used_at', 'proven_at', 'ends_at']],
      ['invitation', ['ends_at']],
      ['token', ['made_at', 'ends_at', 'used_at']],
    ] as const)
      for (const column of columns) storage.sql.exec(`UPDATE ${table} SET ${column} = ${column} - ?`, ms)
  })
}

/** A member with a passkey, and the session that its invitation opened. */
export async function joined(object: Stub, draft: Partial<MemberDraft> = {}) {
  const invited = await object.invite('op', { ...DRAFT, ...draft })
  if (!invited.ok) throw new Error(invited.reason)
  const { member, invitation } = invited.value
  const authenticator = await newAuthenticator()
  const accepted = await accept(object, invitation, authenticator)
  if (!accepted.ok) throw new Error(accepted.reason)
  return { member, invitation, authenticator, session: accepted.session }
}

export type Authenticator = Awaited<ReturnType<typeof newAuthenticator>>

export async function accept(object: Stub, invitation: string, { id, key }: Authenticator) {
  const { challenge = '' } = (await object.invitation(invitation)) ?? {}
  return object.accept(invitation, { id, key, counter: 0, origin: ORIGIN, challenge }, 'Firefox')
}

export const acts = async (object: Stub) =>
  (await object.acts(0, 100)).map(({ what, subject }) => `${what} ${subject}`)
