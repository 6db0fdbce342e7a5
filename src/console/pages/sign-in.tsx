/** Signing in with the operator's token, and signing out. */
import type { Context, Hono } from 'hono'
import { Bare } from '../frame.tsx'
import { dropSession, keepSession, returnPath, sessionOf } from '../guard.ts'
import type { ConsoleEnv } from '../shell.tsx'

/** The longest token that is looked at. Longer ones are none. */
const MAX_TOKEN_LENGTH = 512

/** Adds the routes that need no session. */
export function signInRoutes(app: Hono<ConsoleEnv>): void {
  app.get('/sign-in', (c) => c.html(page(c.req.query('to'))))
  app.post('/sign-in', signIn)
  app.post('/sign-out', async (c) => {
    const session = sessionOf(c)
    if (session) await c.env.EDGE.signOut(session)
    dropSession(c)
    return c.redirect('/sign-in', 303)
  })
}

async function signIn(c: Context<ConsoleEnv>): Promise<Response> {
  const { token, to } = await c.req.parseBody()
  const back = typeof to === 'string' ? to : undefined
  const isToken = typeof token === 'string' && token !== '' && token.length <= MAX_TOKEN_LENGTH
  const agent = (c.req.header('user-agent') ?? '').slice(0, 200)
  const session = isToken ? await c.env.EDGE.signIn({ token: token.trim() }, { agent }) : null
  if (!session) return c.html(page(back, true), 403)
  keepSession(c, session)
  return c.redirect(returnPath(back, c.req.url), 303)
}

function page(to: string | undefined, isWrong = false): string {
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
            aria-invalid={isWrong || undefined}
            aria-describedby={isWrong ? 'wrong' : 'hint'}
          />
        </label>
        {isWrong && (
          <p class="bad" id="wrong" role="alert">
            This token must be the one whose SHA-256 is OPERATOR_TOKEN_SHA256 of the edge Worker.
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
