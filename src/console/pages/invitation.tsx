/** An invitation: whom it is for, and the passkey that uses it up. */
import type { Context, Hono } from 'hono'
import type { OpenInvitation } from '../../people/console-call.ts'
import { Bare } from '../frame.tsx'
import { keepSession } from '../guard.ts'
import { PasskeyForm } from '../parts/credential.tsx'
import { creationOptions, readRegistration } from '../passkey.ts'
import { type ConsoleEnv, message } from '../shell.tsx'
import { agentOf } from './sign-in.tsx'

/** An invitation, and no other text. Threat: nothing else is worth a call of the object that signs people in. */
const INVITATION = /^[A-Za-z0-9_-]{43}$/
const ENDED = 'This invitation was used, or is older than 24 hours. Ask for a new one.'

/** Adds the routes of invitations. The secret is in the query: addresses in logs have none. */
export function invitationRoutes(app: Hono<ConsoleEnv>): void {
  app.get('/invitation', async (c) => {
    const code = c.req.query('code') ?? ''
    const open = INVITATION.test(code) ? await c.env.EDGE.invitation(code) : null
    return open ? page(c, code, open) : message(c, 404, ENDED)
  })
  app.post('/invitation', accept)
}

async function accept(c: Context<ConsoleEnv>): Promise<Response> {
  const { code, credential } = await c.req.parseBody()
  if (typeof code !== 'string' || !INVITATION.test(code)) return message(c, 404, ENDED)
  const { origin } = new URL(c.req.url)
  const registration = typeof credential === 'string' ? await readRegistration(credential, origin) : null
  const accepted = registration && (await c.env.EDGE.accept(code, registration, { agent: agentOf(c) }))
  if (!accepted?.isAccepted) {
    const open = await c.env.EDGE.invitation(code)
    return open ? page(c, code, open, true) : message(c, 404, ENDED)
  }
  if (accepted.session !== null) keepSession(c, accepted.session)
  return c.redirect(accepted.session === null ? '/sign-in' : '/', 303)
}

function page(c: Context, code: string, { member, challenge }: OpenInvitation, isWrong = false): Response {
  const { origin } = new URL(c.req.url)
  const content = (
    <Bare title="Invitation">
      <h1>
        Welcome, <bdi>{member.name}</bdi>
      </h1>
      <p>
        You are invited as {member.role}
        {member.publisher !== null && ` of ${member.publisher}`}. Make a passkey on this device: it signs you
        in from now on, and replaces all that you had here before.
      </p>
      <PasskeyForm
        action="/invitation"
        title="Make a passkey"
        options={creationOptions(member, challenge, origin)}
        isNew
        isWrong={isWrong}
      >
        <input type="hidden" name="code" value={code} />
      </PasskeyForm>
    </Bare>
  )
  return c.html(`<!doctype html>${content}`, isWrong ? 403 : 200) as Response
}
