/** Publishers over HTTP. */
import { Hono } from 'hono/tiny'
import type { Publisher } from '../sites/document.ts'
import type { PublisherRecord } from '../sites/record.ts'
import { jsonResponse, notFound, pageLimit } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import type { SitesPort } from './settings.ts'
import { answerOf, merged, refusalOf, revisionOf, sentDocument, withId } from './site-documents.ts'
import { receiverRefusal } from './site-scope.ts'

/** Routes below `/api/publishers`. `now` in Unix milliseconds. */
export function publisherRoutes({ registry }: SitesPort, now: () => number): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('sites.read'), async (c) => {
    const { publisher } = c.var.principal
    if (publisher !== null) {
      const own = await registry().readPublisher(publisher)
      return jsonResponse({ publishers: own.ok ? [documentOf(own.value)] : [], next: null })
    }
    const { rows, next } = await registry().listPublishers({
      after: c.req.query('after') ?? '',
      limit: pageLimit(c),
    })
    return jsonResponse({ publishers: rows, next })
  })
  app.post('/', needs('publishers.write'), async (c) => {
    const document = await sentDocument(c)
    if (document instanceof Response) return document
    const refusal = receiverRefusal(c, undefined, document.receiver, now())
    return refusal ?? answerOf(c, await registry().putPublisher(actorOf(c), document, 0), 201)
  })
  app.get('/:id', needs('sites.read'), async (c) => {
    const { publisher } = c.var.principal
    const read = await registry().readPublisher(c.req.param('id'))
    // Threat: a publisher that guesses ids. Another one is read as well, and answered like one that does not exist.
    return publisher === null || publisher === c.req.param('id') ? answerOf(c, read) : notFound()
  })
  app.put('/:id', needs('publishers.write'), async (c) => {
    const document = await sentDocument(c)
    if (document instanceof Response) return document
    const publisher = withId(document, c.req.param('id'))
    if (publisher instanceof Response) return publisher
    const known = await registry().readPublisher(c.req.param('id'))
    const refusal = receiverRefusal(c, known.ok ? known.value.receiver : undefined, publisher.receiver, now())
    return refusal ?? answerOf(c, await registry().putPublisher(actorOf(c), publisher, revisionOf(c)))
  })
  app.patch('/:id', needs('publishers.write'), async (c) => {
    const change = await sentDocument(c)
    if (change instanceof Response) return change
    const id = c.req.param('id')
    const known = await registry().readPublisher(id)
    if (!known.ok) return refusalOf(c, known)
    const { receiver, revision } = known.value
    const publisher = withId(merged(documentOf(known.value), change) as Record<string, unknown>, id)
    if (publisher instanceof Response) return publisher
    const refusal = receiverRefusal(c, receiver, publisher.receiver, now())
    return (
      refusal ?? answerOf(c, await registry().putPublisher(actorOf(c), publisher, revisionOf(c) ?? revision))
    )
  })
  return app
}

function documentOf({ sites: _, revision: __, ...document }: PublisherRecord): Publisher {
  return document
}
