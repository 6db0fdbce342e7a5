/** Signing in: by a passkey, the operator's token, a one-time link or Cloudflare Access. And signing out. */
import type { Context, Hono } from 'hono'
import type { Credential, Door } from '../../people/console-call.ts'
import { orOld } from '../edge.ts'
import { Bare } from '../frame.tsx'
import { dropSession, keepSession, returnPath, sessionOf } from '../guard.ts'
import { PasskeyForm, TokenField } from '../parts/credential.tsx'
import { readAssertion, requestOptions } from '../passkey.ts'
import type { ConsoleEnv } from '../shell.tsx'

/** The longest token or code that is looked at. Longer ones are none. */
const MAX_LENGTH = 512
/** What Cloudflare Access adds to each request that it lets through. */
const ACCESS_HEADER = 'cf-access-jwt-assertion'

/** Adds the routes that need no session. */
export function signInRoutes(app: Hono<ConsoleEnv>): void {
  app.get('/sign-in', async (c) => {
    const { to, code } = c.req.query()
    return code ? c.html(linkPage(code, to)) : page(c, to)
  })
  app.post('/sign-in', signIn)
  app.post('/sign-out', async (c) => {
    const session = sessionOf(c)
    if (session) await c.env.EDGE.signOut(session)
    dropSession(c)
    return c.redirect('/sign-in', 303)
  })
}

async function signIn(c: Context<ConsoleEnv>): Promise<Response> {
  const form = await c.req.parseBody()
  const back = typeof form.to === 'string' ? form.to : undefined
  const credential = credentialIn(c, form)
  const session = credential && (await c.env.EDGE.signIn(credential, { agent: agentOf(c) }))
  if (!session) return page(c, back, 'token' in form ? 'token' : 'code' in form ? 'code' : 'other')
  keepSession(c, session)
  return c.redirect(returnPath(back, c.req.url), 303)
}

/** The browser that signs in, for the list of sessions. */
export function agentOf(c: Context): string {
  return (c.req.header('user-agent') ?? '').slice(0, 200)
}

function credentialIn(c: Context, form: Record<string, unknown>): Credential | null {
  const { token, code, credential, access } = form
  if (typeof token === 'string') return isShort(token) ? { token: token.trim() } : null
  if (typeof code === 'string') return isShort(code) ? { code } : null
  if (typeof credential === 'string') {
    const assertion = readAssertion(credential)
    return assertion && { assertion }
  }
  const jwt = c.req.header(ACCESS_HEADER)
  return access !== undefined && jwt !== undefined ? { access: jwt } : null
}

function isShort(text: string): boolean {
  return text !== '' && text.length <= MAX_LENGTH
}

/** Trap: programs load links to preview them. So a link uses up its code when its button is pressed, and never by a GET. */
function linkPage(code: string, to: string | undefined): string {
  const content = (
    <Bare title="Sign in">
      <h1>Sign in</h1>
      <form class="form" method="post" action="/sign-in">
        <input type="hidden" name="code" value={code} />
        {to && <input type="hidden" name="to" value={to} />}
        <button class="btn go" type="submit">
          Sign in to this console
        </button>
      </form>
      <p class="soft">This link signs in once, within 15 minutes after it was made.</p>
    </Bare>
  )
  return `<!doctype html>${content}`
}

/** An edge Worker that is one version behind takes the token alone. */
const OLD: Door = { challenge: '', isAccess: false, takesToken: true }

async function page(
  c: Context<ConsoleEnv>,
  to: string | undefined,
  wrong?: 'token' | 'code' | 'other',
): Promise<Response> {
  const { challenge, isAccess, takesToken } = await orOld(
    () => c.env.EDGE.door(null),
    async () => OLD,
  )
  const back = to && <input type="hidden" name="to" value={to} />
  const { origin } = new URL(c.req.url)
  const content = (
    <Bare title="Sign in">
      <h1>Sign in</h1>
      {wrong === 'code' && (
        <p class="bad" role="alert">
          This link must be new: it signs in once, within 15 minutes. Sign in another way instead.
        </p>
      )}
      {isAccess && <AccessForm isWrong={wrong === 'other'}>{back}</AccessForm>}
      {!isAccess && challenge !== '' && (
        <PasskeyForm
          action="/sign-in"
          title="Sign in with your passkey"
          options={requestOptions(challenge, origin)}
          isWrong={wrong === 'other'}
        >
          {back}
        </PasskeyForm>
      )}
      {takesToken && (
        <form class="form" method="post" action="/sign-in">
          {back}
          <TokenField name="token" isWrong={wrong === 'token'} />
          <div>
            <button class="btn" type="submit">
              Sign in with the token
            </button>
          </div>
        </form>
      )}
      <p class="soft">
        Members have a passkey from their invitation. The owner made the token when it set
        OPERATOR_TOKEN_SHA256. A session ends after 30 minutes without use, and after 12 hours in any case.
      </p>
    </Bare>
  )
  return c.html(`<!doctype html>${content}`, wrong ? 403 : 200) as Response
}

function AccessForm({ isWrong, children }: { isWrong: boolean; children?: unknown }) {
  return (
    <form class="form" method="post" action="/sign-in">
      {children}
      <input type="hidden" name="access" value="yes" />
      {isWrong && (
        <p class="bad" role="alert">
          Cloudflare Access must have let you in, with the address of a member. Ask the owner for an
          invitation.
        </p>
      )}
      <button class="btn go" type="submit">
        Sign in with Cloudflare Access
      </button>
    </form>
  )
}
