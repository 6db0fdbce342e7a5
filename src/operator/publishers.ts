/** Publishers over HTTP. */
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { jsonResponse, pageLimit } from './response.ts'
import type { SitesPort } from './settings.ts'
import { answerOf, merged, refusalOf, revisionOf, sentDocument, withId } from './site-documents.ts'

/** Routes below `/api/publishers`. `who` names the operator in the audit log. */
export function publisherRoutes({ registry }: SitesPort, who: string): Hono {
  const app = new Hono()
  app.get('/', async (c) => {
    const { rows, next } = await registry().listPublishers({
      after: c.req.query('after') ?? '',
      limit: pageLimit(c),
    })
    return jsonResponse({ publishers: rows, next })
  })
  app.post('/', async (c) => {
    const document = await sentDocument(c)
    if (document instanceof Response) return document
    return answerOf(c, await registry().putPublisher(who, document, 0), 201)
  })
  app.get('/:id', async (c) => answerOf(c, await registry().readPublisher(c.req.param('id'))))
  app.put('/:id', async (c) => {
    const document = await sentDocument(c)
    if (document instanceof Response) return document
    const publisher = withId(document, c.req.param('id'))
    if (publisher instanceof Response) return publisher
    return answerOf(c, await registry().putPublisher(who, publisher, revisionOf(c)))
  })
  app.patch('/:id', async (c: Context) => {
    const change = await sentDocument(c)
    if (change instanceof Response) return change
    const id = c.req.param('id') ?? ''
    const known = await registry().readPublisher(id)
    if (!known.ok) return refusalOf(c, known)
    const { sites: _, revision, ...document } = known.value
    const publisher = withId(merged(document, change) as Record<string, unknown>, id)
    if (publisher instanceof Response) return publisher
    return answerOf(c, await registry().putPublisher(who, publisher, revisionOf(c) ?? revision))
  })
  return app
}
