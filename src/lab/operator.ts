/** Calls the operator’s API of a lab. */
import type { LabStage } from './stage.ts'

/** A page of a list. Amounts are decimal strings. */
const PAGE = 500

/** Calls a route below `/_tab402/api`; a body makes it a POST unless `method` is given. @throws for any answer but success */
export async function callOperator<Body>(
  { operator }: Pick<LabStage, 'operator'>,
  path: string,
  body?: object,
  method = body ? 'POST' : 'GET',
): Promise<Body> {
  const response = await send(operator, path, body, method)
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Body
}

/** The same GET; null for 404. */
export async function find<Body>(
  { operator }: Pick<LabStage, 'operator'>,
  path: string,
): Promise<Body | null> {
  const response = await send(operator, path, undefined, 'GET')
  if (response.status === 404) return null
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Body
}

/** Every row of a list, page by page. `after`: the name of its cursor in the query. */
export async function listAll<Row>(
  stage: Pick<LabStage, 'operator'>,
  path: string,
  name: string,
  after = 'after',
): Promise<Row[]> {
  const rows: Row[] = []
  for (let cursor: string | number | null = null; ; ) {
    const from: string = cursor === null ? '' : `&${after}=${encodeURIComponent(cursor)}`
    type Answer = { next?: string | number | null } & Record<string, unknown>
    const page: Answer | null = await find(
      stage,
      `${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${from}`,
    )
    const some = (page?.[name] ?? []) as Row[]
    rows.push(...some)
    if (some.length < PAGE || page?.next == null) return rows
    cursor = page.next
  }
}

function send({ url, token }: LabStage['operator'], path: string, body: object | undefined, method: string) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return fetch(`${url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
}
