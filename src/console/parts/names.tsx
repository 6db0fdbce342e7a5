/** The names of those who acted, where the API states their ids. */
import type { TeamMember } from '../../people/member.ts'
import { may, ownerOf } from '../../people/principal.ts'
import type { Desk } from '../shell.tsx'

/** The name of an actor by its id. */
export type NameOf = (who: string) => string

/** The path of {@link namesFor}, for pages that ask it ahead. */
export const NAMES_PATH = '/people'

/** Reads the names of members. A principal that may not see people gets its own name and the operator’s. */
export async function namesFor({ ask, who: own }: Pick<Desk, 'ask' | 'who'>): Promise<NameOf> {
  const asked = may(own, 'people.read') ? await ask<{ members: TeamMember[] }>(NAMES_PATH) : null
  const members = asked?.ok ? new Map(asked.value.members.map(({ id, name }) => [id, name])) : null
  const nameOf = (id: string): string => {
    if (id === own.id) return own.name
    if (/^token [0-9a-f]{8}$/.test(id)) return ownerOf().name
    if (!id.startsWith('member-')) return id
    return members ? (members.get(id) ?? 'A removed member') : 'Another member'
  }
  return (who) => {
    const [, owner, isToken] = /^(.+?)( by [\w-]+)?$/.exec(who) ?? []
    return `${nameOf(owner ?? who)}${isToken ? ', by an API token' : ''}`
  }
}

/** The name of an actor, with its id as the title. */
export function Actor({ of: who, nameOf }: { of: string; nameOf: NameOf }) {
  return <bdi title={who}>{nameOf(who)}</bdi>
}
