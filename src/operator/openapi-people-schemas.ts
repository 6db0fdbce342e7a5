/** The shapes of people and API tokens, as JSON Schema. */
import { RIGHTS, ROLES } from '../people/principal.ts'
import { jsonSchemaOf } from './body-schema.ts'
import { count, listOf, orNull, table, text, time, word } from './json-schema.ts'
import { PEOPLE_BODIES } from './people-requests.ts'

const member = {
  id: text,
  name: text,
  email: orNull(text),
  role: word(...ROLES),
  publisher: orNull(text),
  createdAt: time,
}
const seen = { passkeys: count, passkeyAt: orNull(time), usedAt: orNull(time), invitedUntil: orNull(time) }

const token = {
  id: text,
  name: text,
  owner: text,
  scopes: listOf(word(...RIGHTS)),
  createdAt: time,
  endsAt: time,
  usedAt: orNull(time),
}

/** The shapes by the names that the OpenAPI document gives them. `invitation` and `token` are shown once. */
export const peopleSchemas = {
  NewMember: jsonSchemaOf(PEOPLE_BODIES.NewMember),
  MemberChange: jsonSchemaOf(PEOPLE_BODIES.MemberChange),
  NewApiToken: jsonSchemaOf(PEOPLE_BODIES.NewApiToken),
  Members: table({ members: listOf(table({ ...member, ...seen })) }),
  ChangedMember: table({ member: table(member) }),
  Invited: table({ member: table(member), invitation: text, endsAt: time }),
  ApiTokens: table({ tokens: listOf(table(token)) }),
  MadeApiToken: table({ ...token, token: text }),
  EndedApiToken: table({ id: text }),
}
