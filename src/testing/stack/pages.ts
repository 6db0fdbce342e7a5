/** An origin for tests: each path has a page of its own. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Text on every page of the origin. A response that contains it was served from there. */
export const CANARY = 'only for those who paid'

export type OriginRequest = { method: string; url: string; headers: IncomingMessage['headers']; body: string }

export type LocalPages = Awaited<ReturnType<typeof startPages>>

/** Starts an origin whose pages contain {@link CANARY}. It records its requests, and a test sets its `answer`. */
export async function startPages() {
  const asked: OriginRequest[] = []
  const page = (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('content-type', 'text/plain')
    response.end(request.method === 'HEAD' ? undefined : `${request.url}: ${CANARY}\n`)
  }
  const pages = { asked, page, answer: page }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
    pages.answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(pages, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}
