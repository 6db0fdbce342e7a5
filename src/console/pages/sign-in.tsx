/** Signing in with the operator's token or a one-time link, and signing out. */
import type { Context, Hono } from 'hono'
import type { Credential } from '../../people/console-call.ts'
import { Bare } from '../frame.tsx'
import { dropSession, keepSession, returnPath, sessionOf } from '../guard.ts'
import type { ConsoleEnv } from '../shell.tsx'

/** The longest token or code that is looked at. Longer ones are none. */
const MAX_LENGTH = 512

/** Adds the routes that need no session. */
export function signInRoutes(app: Hono<ConsoleEnv>): void {
  app.get('/sign-in', (c) => {
    const { to, code } = c.req.query()
    return c.html(code ? linkPage(code, to) : tokenPage(to))
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
  const { token, code, to } = await c.req.parseBody()
  const back = typeof to === 'string' ? to : undefined
  const agent = (c.req.header('user-agent') ?? '').slice(0, 200)
  const open = (credential: Credential) => c.env.EDGE.signIn(credential, { agent })
  const session = isShort(code)
    ? await open({ code })
    : isShort(token)
      ? await open({ token: token.trim() })
      : null
  if (!session) return c.html(tokenPage(back, code === undefined ? WRONG_TOKEN : USED_LINK), 403)
  keepSession(c, session)
  return c.redirect(returnPath(back, c.req.url), 303)
}

function isShort(field: unknown): field is string {
  return typeof field === 'string' && field !== '' && field.length <= MAX_LENGTH
}

const WRONG_TOKEN = 'This token must be the one whose SHA-256 is OPERATOR_TOKEN_SHA256 of the edge Worker.'
const USED_LINK =
  'This link must be new: it signs in once, within 15 minutes. Sign in with the token instead.'

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

function tokenPage(to: string | undefined, wrong?: string): string {
  const content = (
    <Bare title="Sign in">
      <h1>Sign in</h1>
      <form class="form" method="post" action="/sign-in">
        {to && <input type="hidden" name="to" value={to} />}
        <label>
          The operator’s token
          <input
            type="password"
            name="token"
            autocomplete="current-password"
            required
            aria-invalid={wrong !== undefined || undefined}
            aria-describedby={wrong ? 'wrong' : 'hint'}
          />
        </label>
        {wrong && (
          <p class="bad" id="wrong" role="alert">
            {wrong}
          </p>
        )}
        <button class="btn go" type="submit">
          Sign in
        </button>
      </form>
      <p class="soft" id="hint">
        You made the token when you set OPERATOR_TOKEN_SHA256. A session ends after 30 minutes without use,
        after 12 hours in any case, and when you change the token.
      </p>
    </Bare>
  )
  return `<!doctype html>${content}`
}
