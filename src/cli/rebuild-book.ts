/** `tab402 rebuild-book`: lists the objects that hold accounts, and has the Worker write each into D1 again. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError, parse, print, UsageError } from './command.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 rebuild-book --url https://example.com            the objects of your Cloudflare account
  tab402 rebuild-book --url http://127.0.0.1:8402 --state ~/tab402   those of a local stack

Usage: tab402 rebuild-book --url URL [OPTIONS]

Writes every account into the database BOOK again, from the Durable Objects. Repeat it as often as you like.
Apply the migrations first. Accounts that owe also write themselves again, within a day.

Options:
  --url URL        the site; its operator API must be on
  --state DIR      list the objects below this folder instead of asking Cloudflare
  --script NAME    the Worker's name at Cloudflare (tab402)

Environment:
  OPERATOR_TOKEN          the operator's token
  CLOUDFLARE_ACCOUNT_ID   your account, and a token that may read Workers: needed without --state
  CLOUDFLARE_API_TOKEN

Exit codes: 0 success, 1 an object did not respond, 2 wrong usage.`

/** The classes whose objects hold accounts. */
const CLASSES = { Account: 'channel', Authorizations: 'exact', CreditLine: 'credit' } as const

type ClassName = keyof typeof CLASSES

/** Lists the ids of a class's objects, page by page. */
export type ListObjects = (className: ClassName) => AsyncIterable<string[]>

/** The most ids in one call. The Worker rejects more. */
const MAX_OBJECTS = 100

const CLOUDFLARE = 'https://api.cloudflare.com/client/v4'

type Options = { url: string; token: string; fetch?: typeof fetch }

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    url: { type: 'string' },
    state: { type: 'string' },
    script: { type: 'string', default: 'tab402' },
  })
  const { OPERATOR_TOKEN: token, CLOUDFLARE_ACCOUNT_ID: account, CLOUDFLARE_API_TOKEN: key } = process.env
  if (positionals.length > 0 || !values.url) throw new UsageError('rebuild-book must be given --url.')
  if (!token) throw new UsageError('OPERATOR_TOKEN must be set.')
  if (!values.state && !(account && key))
    throw new UsageError('CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN must be set, or --state given.')
  const list = values.state
    ? objectsBelow(values.state)
    : objectsAtCloudflare({ account: String(account), key: String(key), script: values.script })
  return rebuildBook(list, { url: values.url, token })
}

/** Has the Worker write every listed object. Prints one line for each class. Returns the exit code. */
export async function rebuildBook(list: ListObjects, options: Options): Promise<number> {
  let silent = 0
  for (const className of Object.keys(CLASSES) as ClassName[]) {
    const sums = { listed: 0, empty: 0, silent: 0 }
    for await (const ids of list(className)) {
      for (let at = 0; at < ids.length; at += MAX_OBJECTS) {
        const done = await rebuild(className, ids.slice(at, at + MAX_OBJECTS), options)
        for (const outcome of Object.keys(sums) as (keyof typeof sums)[]) sums[outcome] += done[outcome]
      }
    }
    print(`${className}: ${sums.listed} written, ${sums.empty} empty, ${sums.silent} without response`)
    silent += sums.silent
  }
  return silent > 0 ? 1 : 0
}

async function rebuild(className: ClassName, objects: string[], { url, token, fetch: ask = fetch }: Options) {
  const response = await ask(new URL('/_tab402/api/book', url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ kind: CLASSES[className], objects }),
  })
  // The answer of a site without credit.
  if (response.status === 404 && className === 'CreditLine') return { listed: 0, empty: 0, silent: 0 }
  if (!response.ok) throw new CommandError(`the site answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as { listed: number; empty: number; silent: number }
}

/** Objects of a local stack: the runtime keeps each in a file `<script>-<class>/<id>.sqlite`. */
export function objectsBelow(directory: string): ListObjects {
  return async function* (className) {
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      const [, id] = /^([0-9a-f]{64})\.sqlite$/.exec(entry.name) ?? []
      if (id && join(entry.parentPath).endsWith(`-${className}`)) yield [id]
    }
  }
}

/** Objects in production, by Cloudflare's API: the namespaces of the script, then the objects of each with data. */
export function objectsAtCloudflare(settings: {
  account: string
  key: string
  script: string
  fetch?: typeof fetch
}): ListObjects {
  const { account, key, script, fetch: ask = fetch } = settings
  const base = `${CLOUDFLARE}/accounts/${account}/workers/durable_objects/namespaces`
  const read = async <Item>(url: string) => {
    const response = await ask(url, { headers: { authorization: `Bearer ${key}` } })
    if (!response.ok) throw new CommandError(`Cloudflare answered ${response.status} to ${url}`)
    return (await response.json()) as { result: Item[]; result_info?: { cursor?: string } }
  }
  return async function* (className) {
    // A Worker has at most 500 namespaces, which is less than one page.
    const { result } = await read<{ id: string; class: string; script: string }>(`${base}?per_page=1000`)
    for (const { id } of result.filter((each) => each.script === script && each.class === className)) {
      for (let cursor = ''; ; ) {
        const query = new URLSearchParams({ limit: '1000', ...(cursor && { cursor }) })
        const page = await read<{ id: string; hasStoredData: boolean }>(`${base}/${id}/objects?${query}`)
        yield page.result.filter(({ hasStoredData }) => hasStoredData).map((object) => object.id)
        cursor = page.result_info?.cursor ?? ''
        if (cursor === '') break
      }
    }
  }
}
