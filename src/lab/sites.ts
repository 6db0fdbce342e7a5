/** Sites of a lab’s registry, published by the operator’s API. */
import { request as send } from 'node:http'
import type { LabSite } from './lab.ts'
import { callOperator } from './operator.ts'
import type { LabStage } from './stage.ts'

/** Publishes each site below `localhost`. Without sites the vars are the only one. */
export async function publishLabSites(
  stage: LabStage,
  sites: readonly LabSite[],
): Promise<{ id: string; url: string }[]> {
  if (sites.length === 0) return [{ id: 'default', url: stage.url }]
  const { port } = new URL(stage.url)
  const published: { id: string; url: string }[] = []
  for (const { id, receiver = null, terms = {} } of sites) {
    const host = `${id}.localhost:${port}`
    await callOperator(stage, `/publishers/${id}`, { name: id, receiver }, 'PUT')
    const document = {
      publisher: id,
      hosts: [host],
      via: 'route',
      mode: 'live',
      terms: { ORIGIN: stage.origin.url, NAME: id, ...terms },
    }
    await callOperator(stage, `/sites/${id}`, document, 'PUT')
    await callOperator(stage, `/sites/${id}/publish`, {})
    published.push({ id, url: `http://${host}` })
  }
  return published
}

/** `fetch`, also at a site below `localhost`: not every system resolves such a name, and `fetch` sends no other `Host`. */
export async function fetchAt(url: URL, init?: RequestInit): Promise<Response> {
  if (!url.hostname.endsWith('.localhost')) return fetch(url, init)
  const request = new Request(url, init)
  const { port, pathname, search, host } = url
  const [method, headers] = [request.method, { ...Object.fromEntries(request.headers), host }]
  const body = Buffer.from(await request.arrayBuffer())
  return new Promise((resolve, reject) => {
    send({ host: '127.0.0.1', port, path: `${pathname}${search}`, method, headers }, async (answer) => {
      const chunks: Buffer[] = []
      for await (const chunk of answer) chunks.push(chunk as Buffer)
      const status = answer.statusCode ?? 502
      const names = Object.entries(answer.headersDistinct)
      const pairs = names.flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      )
      const isEmpty = status === 204 || status === 304
      resolve(new Response(isEmpty ? null : Buffer.concat(chunks), { status, headers: pairs }))
    })
      .once('error', reject)
      .end(body)
  })
}
