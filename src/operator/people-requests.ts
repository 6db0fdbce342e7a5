/** The bodies of people and API tokens. */
import * as v from 'valibot'
import { RIGHTS, ROLES } from '../people/principal.ts'
import { MAX_TOKEN_DAYS } from '../people/tokens.ts'
import { closed } from './closed-object.ts'

/** The expected value of each member, for errors and for the OpenAPI document. */
export const PEOPLE_EXPECTED = {
  name: '1 to 100 characters in one line, without marks that turn the direction of text',
  email: 'an e-mail address of at most 200 characters, or null',
  role: ROLES.join(', '),
  publisher: 'the id of a publisher for the roles of publishers, and null for all others',
  scopes: `a list of rights that you have: ${RIGHTS.join(', ')}`,
  days: `whole days from 1 to ${MAX_TOKEN_DAYS}`,
} as const

/** Threat: a name with such a mark shows what follows it in another order, in lists where people are given rights. */
const LINE = /^[^\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/u

const name = v.pipe(
  v.string('must be a string'),
  v.trim(),
  v.minLength(1, 'must not be empty'),
  v.maxLength(100, 'must have at most 100 characters'),
  v.regex(LINE, 'must be one line of plain text'),
  v.description(PEOPLE_EXPECTED.name),
)
const email = v.nullable(
  v.pipe(
    v.string('must be a string'),
    v.maxLength(200, 'must have at most 200 characters'),
    v.regex(/^[^\s@]+@[^\s@]+$/, 'must be an e-mail address'),
    v.description(PEOPLE_EXPECTED.email),
    v.transform((text) => text.toLowerCase()),
  ),
)
const role = v.pipe(v.picklist(ROLES, 'must be a role'), v.description(PEOPLE_EXPECTED.role))
const publisher = v.nullable(
  v.pipe(
    v.string('must be a string'),
    v.maxLength(40, 'must be an id'),
    v.description(PEOPLE_EXPECTED.publisher),
  ),
)

/** `POST /api/people` */
export const newMember = closed({
  name,
  email: v.optional(email, null),
  role,
  publisher: v.optional(publisher, null),
})

/** `PATCH /api/people/:id` */
export const memberChange = closed({
  name: v.exactOptional(name),
  email: v.exactOptional(email),
  role: v.exactOptional(role),
  publisher: v.exactOptional(publisher),
})

/** `POST /api/tokens` */
export const newToken = closed({
  name,
  scopes: v.pipe(
    v.array(v.picklist(RIGHTS, 'must be a right'), 'must be a list'),
    v.minLength(1, 'must have a right'),
    v.maxLength(RIGHTS.length, 'must name each right once'),
    v.description(PEOPLE_EXPECTED.scopes),
  ),
  days: v.optional(
    v.pipe(
      v.number('must be a number'),
      v.integer('must be a whole number'),
      v.minValue(1, 'must be 1 or more'),
      v.maxValue(MAX_TOKEN_DAYS, `must be ${MAX_TOKEN_DAYS} or less`),
      v.description(PEOPLE_EXPECTED.days),
    ),
    90,
  ),
})

/** The bodies by the names that the OpenAPI document gives them. */
export const PEOPLE_BODIES = { NewMember: newMember, MemberChange: memberChange, NewApiToken: newToken }
