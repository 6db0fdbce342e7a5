/** People over HTTP: members with their roles and invitations, and API tokens. */
import { Hono } from 'hono/tiny'
import type { MemberDraft, PeopleAnswer } from '../people/member.ts'
import { isOfPublisher, may, RIGHTS } from '../people/principal.ts'
import { memberChange, newMember, newToken, PEOPLE_EXPECTED } from './people-requests.ts'
import type { RequestError } from './problem.ts'
import { formOf } from './requests.ts'
import { invalid, jsonResponse, notFound, problem } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import type { PeoplePort, SitesPort } from './settings.ts'

/** Routes below `/api/people`. */
export function peopleRoutes(people: PeoplePort, sites: SitesPort | undefined): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  const change = needs('people.write', { fresh: true })
  app.get('/', needs('people.read'), async () => jsonResponse({ members: await people.members() }))
  app.post('/', change, async (c) => {
    const form = await formOf(c, newMember, PEOPLE_EXPECTED)
    if (form instanceof Response) return form
    const errors = await scopeErrors(form, sites)
    return errors.length > 0 ? invalid(errors) : answerOf(await people.invite(actorOf(c), form), 201)
  })
  app.patch('/:id', change, async (c) => {
    const form = await formOf(c, memberChange, PEOPLE_EXPECTED)
    if (form instanceof Response) return form
    const id = c.req.param('id')
    const known = (await people.members()).find((member) => member.id === id)
    if (!known) return notFound()
    const errors = await scopeErrors({ ...known, ...form }, sites)
    if (errors.length > 0) return invalid(errors)
    return answerOf(wrapped(await people.changeMember(actorOf(c), id, form)))
  })
  app.delete('/:id', change, async (c) =>
    answerOf(wrapped(await people.removeMember(actorOf(c), c.req.param('id')))),
  )
  app.post('/:id/invitation', change, async (c) =>
    answerOf(await people.inviteAgain(actorOf(c), c.req.param('id')), 201),
  )
  return app
}

/** Routes below `/api/tokens`. Everybody sees and ends its own tokens; those who see people see all, and those who change them end all. */
export function tokenRoutes(people: PeoplePort): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('tokens.write'), async (c) => {
    const { principal } = c.var
    return jsonResponse({ tokens: await people.tokens(may(principal, 'people.read') ? null : principal.id) })
  })
  app.post('/', needs('tokens.write', { fresh: true }), async (c) => {
    const form = await formOf(c, newToken, PEOPLE_EXPECTED)
    if (form instanceof Response) return form
    const { principal } = c.var
    const scopes = RIGHTS.filter((right) => form.scopes.includes(right))
    if (!scopes.every((right) => may(principal, right)))
      return invalid([
        { path: 'scopes', message: 'must be rights that you have', expected: PEOPLE_EXPECTED.scopes },
      ])
    const made = await people.addToken(actorOf(c), principal, { ...form, scopes })
    return answerOf(
      made.ok ? { ok: true, value: { ...made.value.view, token: made.value.token } } : made,
      201,
    )
  })
  app.delete('/:id', needs('tokens.write'), async (c) => {
    const { principal } = c.var
    const id = c.req.param('id')
    const isEnded = await people.dropToken(
      actorOf(c),
      id,
      may(principal, 'people.write') ? null : principal.id,
    )
    return isEnded ? jsonResponse({ id }) : notFound()
  })
  return app
}

/** Threat: a role of publishers without a publisher would see nothing, and another role with one would see too much. */
async function scopeErrors(
  { role, publisher }: Pick<MemberDraft, 'role' | 'publisher'>,
  sites: SitesPort | undefined,
): Promise<RequestError[]> {
  const expected = PEOPLE_EXPECTED.publisher
  if (!isOfPublisher(role))
    return publisher === null ? [] : [{ path: 'publisher', message: 'must be null for this role', expected }]
  const known = publisher === null ? undefined : await sites?.registry().readPublisher(publisher)
  return known?.ok ? [] : [{ path: 'publisher', message: 'must be the id of a known publisher', expected }]
}

function wrapped<Value>(answer: PeopleAnswer<Value>): PeopleAnswer<{ member: Value }> {
  return answer.ok ? { ok: true, value: { member: answer.value } } : answer
}

function answerOf(answer: PeopleAnswer<object>, status = 200): Response {
  if (answer.ok) return jsonResponse(answer.value, status)
  switch (answer.reason) {
    case 'unknown':
      return notFound()
    case 'email_taken':
      return problem('conflict', {
        errors: [{ path: 'email', message: 'must be of no other member', expected: PEOPLE_EXPECTED.email }],
      })
    case 'too_many':
      return problem('too_many', {
        errors: [{ path: 'id', message: 'must be fewer: remove one first', expected: '' }],
      })
  }
}
