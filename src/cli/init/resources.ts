/** D1, KV and R2 of the edge Worker: each is made once, and its id written into the config. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import { must, type Wrangler, wranglerJson } from '../wrangler.ts'
import { change } from './files.ts'
import { EDGE, type InitRun, type InitStep } from './run.ts'

type Config = {
  d1_databases?: { binding: string; database_name?: string }[]
  kv_namespaces?: { binding: string; id?: string }[]
  r2_buckets?: { binding: string; bucket_name?: string }[]
}

/** Makes whatever the config binds and the account lacks. */
export const resources: InitStep = {
  id: 'resources',
  title: ({ answers: { name } }) => `create the D1 database ${name}-book and the KV namespace ${name}-lists`,
  async run(deployment) {
    const { cwd, answers, say } = deployment
    const config = parseToml(await readFile(join(cwd, EDGE), 'utf8')) as Config
    for (const { binding } of config.d1_databases ?? []) {
      const name = `${answers.name}-${binding.toLowerCase()}`
      const id = await databaseNamed(deployment, name)
      await change(cwd, EDGE, [
        { table: 'd1_databases', name: 'database_name', value: name },
        { table: 'd1_databases', name: 'database_id', value: id },
      ])
      say(`D1 database ${name}`)
    }
    const [lists] = config.kv_namespaces ?? []
    if (lists && lists.id === undefined) {
      const name = `${answers.name}-${lists.binding.toLowerCase()}`
      const id = await namespaceNamed(deployment, name)
      await change(cwd, EDGE, [{ table: 'kv_namespaces', name: 'id', value: id }])
      say(`KV namespace ${name}`)
    }
    for (const { bucket_name: name } of config.r2_buckets ?? []) if (name) await makeBucket(deployment, name)
  },
}

/** The id of a database, which is made if the account has none of this name. */
async function databaseNamed({ wrangler }: InitRun, name: string): Promise<string> {
  const listed = () => wranglerJson<{ uuid: string; name: string }[]>(wrangler, ['d1', 'list', '--json'])
  const find = async () => (await listed()).find((database) => database.name === name)?.uuid
  return made(find, wrangler, ['d1', 'create', name])
}

async function namespaceNamed({ wrangler }: InitRun, name: string): Promise<string> {
  const listed = () => wranglerJson<{ id: string; title: string }[]>(wrangler, ['kv', 'namespace', 'list'])
  const find = async () => (await listed()).find(({ title }) => title === name)?.id
  return made(find, wrangler, ['kv', 'namespace', 'create', name])
}

/** Finds something, or makes it and finds it then: the list has ids in a form that programs read. */
async function made(
  find: () => Promise<string | undefined>,
  wrangler: Wrangler,
  create: readonly string[],
): Promise<string> {
  const known = await find()
  if (known !== undefined) return known
  await must(wrangler, create)
  const id = await find()
  if (id === undefined) throw new Error(`wrangler ${create.join(' ')} must have made it`)
  return id
}

async function makeBucket({ wrangler, say }: InitRun, name: string): Promise<void> {
  const listed = await must(wrangler, ['r2', 'bucket', 'list'])
  if (new RegExp(`^name:\\s+${name}\\s*$`, 'm').test(listed)) return
  await must(wrangler, ['r2', 'bucket', 'create', name])
  say(`R2 bucket ${name}`)
}
