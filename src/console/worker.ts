/** The console: a Worker with a hostname of its own, which shows the edge Worker's API as pages. */

import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { log } from '../platform/log.ts'
import { encryptedUrl, formTokenOf, isOurForm, MAX_FORM_BYTES, secured, sessionOf } from './guard.ts'
import { PAGES } from './pages/index.ts'
import { invitationRoutes } from './pages/invitation.tsx'
import { signInRoutes } from './pages/sign-in.tsx'
import { typedIn } from './parts/form.tsx'
import { askProof, takeProof } from './proof.tsx'
import {
  type ConsoleEnv,
  message,
  onlyWith,
  openDesk,
  type PageHandler,
  type Routes,
  unsent,
} from './shell.tsx'

const app = new Hono<ConsoleEnv>()

app.use('*', async (c, next) => {
  await next()
  c.res = secured(c.res)
})
app.use('*', async (c, next) => {
  const url = encryptedUrl(c.req.url)
  return url === null ? next() : c.redirect(url, 308)
})
// GET never writes; all else must come from one of our own pages.
app.use('*', async (c, next) => {
  const isRead = c.req.method === 'GET' || c.req.method === 'HEAD'
  return isRead || isOurForm(c.req.raw)
    ? next()
    : message(c, 403, 'This form must be sent from the console itself.')
})
app.use(
  '*',
  bodyLimit({ maxSize: MAX_FORM_BYTES, onError: (c) => message(c, 413, 'The form must be below 2 MB.') }),
)
signInRoutes(app)
invitationRoutes(app)
for (const { path, right, ahead, get, post } of PAGES) {
  if (get) app.get(path, signedIn(onlyWith(right, get), ahead))
  if (post) app.post(path, signedIn(onlyWith(right, post)))
}
app.notFound((c) => message(c, 404, 'The address must be that of a page.'))
app.onError((fault, c) => {
  // Trap: the message of an exception may quote what was sent.
  log('console_page_failed', { fault: fault.name })
  return secured(message(c, 503, SILENT))
})

const SILENT = 'The edge Worker did not answer. Wait a moment, then load the page again.'

export default app

/** A page for those who are signed in; others are sent to the sign-in and come back. */
function signedIn(page: PageHandler, ahead?: Routes[number]['ahead']): PageHandler {
  return async (c) => {
    const typed = c.req.method === 'POST' ? typedIn(await c.req.parseBody()) : null
    const session = sessionOf(c)
    const desk = session ? await reached(openDesk(c.env.EDGE, session, ahead?.(Date.now()))) : null
    if (desk === undefined) return typed ? unsent(c, typed) : message(c, 503, SILENT)
    if (!desk) {
      const { pathname, search } = new URL(c.req.url)
      const back =
        c.req.method === 'GET' && pathname !== '/' ? `?to=${encodeURIComponent(pathname + search)}` : ''
      return c.redirect(`/sign-in${back}`, 303)
    }
    if (typed && typed.form !== (await formTokenOf(desk.session)))
      return message(c, 403, 'This form belongs to an ended session. Load its page again.')
    c.set('desk', desk)
    const proof = typed && (await takeProof(c, typed))
    if (proof) return proof
    const answer = await page(c)
    return typed && desk.isProofAsked() ? askProof(c) : answer
  }
}

/** Undefined where the edge Worker does not answer: nothing was done yet. */
async function reached<Value>(asked: Promise<Value>): Promise<Value | undefined> {
  try {
    return await asked
  } catch (fault) {
    log('edge_unanswered', { fault })
    return undefined
  }
}
