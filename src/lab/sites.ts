/** Sites of a lab’s registry, published by the operator’s API. */
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
