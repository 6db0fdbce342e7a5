/** Publishers over HTTP. */
import { Hono } from 'hono/tiny'
import { jsonResponse, pageLimit } from './response.ts'
import { needs, type OperatorEnv, whoOf } from './rights.ts'
import type { SitesPort } from './settings.ts'
import { answerOf, merged, refusalOf, revisionOf, sentDocument, withId } from './site-documents.ts'

/** Routes below `/api/publishers`. */
export function publisherRoutes({ registry }: SitesPort): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('sites.read'), async (c) => {
    const { rows, next } = await registry().listPublishers({
      after: c.req.query('after') ?? '',
      limit: pageLimit(c),
    })
    return jsonResponse({ publishers: rows, next })
  })
  app.post('/', needs('publishers.write'), async (c) => {
    const document = await sentDocument(c)
    if (document instanceof Response) return document
    return answerOf(c, await registry().putPublisher(whoOf(c), document, 0), 201)
  })
  app.get('/:id', needs('sites.read'), async (c) =>
    answerOf(c, await registry().readPublisher(c.req.param('id'))),
  )
  app.put('/:id', needs('publishers.write'), async (c) => {
    const document = await sentDocument(c)
    if (document instanceof Response) return document
    const publisher = withId(document, c.req.param('id'))
    if (publisher instanceof Response) return publisher
    return answerOf(c, await registry().putPublisher(whoOf(c), publisher, revisionOf(c)))
  })
  app.patch('/:id', needs('publishers.write'), async (c) => {
    const change = await sentDocument(c)
    if (change instanceof Response) return change
    const id = c.req.param('id')
    const known = await registry().readPublisher(id)
    if (!known.ok) return refusalOf(c, known)
    const { sites: _, revision, ...document } = known.value
    const publisher = withId(merged(document, change) as Record<string, unknown>, id)
    if (publisher instanceof Response) return publisher
    return answerOf(c, await registry().putPublisher(whoOf(c), publisher, revisionOf(c) ?? revision))
  })
  return app
}
