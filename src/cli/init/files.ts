/** The configs of both Workers: those of a clone are changed, and a project of its own gets copies from the package. */
import { readFile, writeFile } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CONSOLE, EDGE, type InitRun, type InitStep } from './run.ts'
import { readOptional } from './state.ts'
import { changeToml, type TomlChange } from './toml.ts'

/** The package, or the clone: the folder above `src` and `dist`. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Writes the configs. Running it again writes the same. */
export const files: InitStep = {
  id: 'files',
  title: ({ answers }) => `write ${EDGE}${answers.console === 'none' ? '' : ` and ${CONSOLE}`}`,
  async run({ cwd, answers, say, state, store }) {
    await store.write(state)
    const { name, origin, wallet, network, host, console } = answers
    const vars: TomlChange[] = [
      { table: 'vars', name: 'ORIGIN', value: origin },
      { table: 'vars', name: 'RECEIVER', value: wallet },
      { table: 'vars', name: 'NETWORK', value: network.id },
    ]
    await change(cwd, EDGE, [{ table: '', name: 'name', value: name }, ...vars])
    say(`${EDGE}: ${host} is paid for on ${network.title} to ${wallet}`)
    if (console === 'none') return
    await change(cwd, CONSOLE, [
      { table: '', name: 'name', value: `${name}-console` },
      { table: '', name: 'routes', value: [{ pattern: console, custom_domain: true }] },
      { table: 'services', name: 'service', value: name },
    ])
    say(`${CONSOLE}: the console is at ${console}`)
  },
}

/** Changes a config in the folder of the deployment. Nothing is written where it has these values already. */
export async function change(cwd: string, file: string, changes: readonly TomlChange[]): Promise<void> {
  const path = join(cwd, file)
  const known = await readOptional(path)
  const text = known ?? (await copyOf(cwd, file))
  const changed = changeToml(text, changes)
  if (changed !== known) await writeFile(path, changed)
}

/** The routes of the edge Worker: a server with another name leaves the host to the Worker, a zone keeps what is behind it. */
export function routesOf({ answers: { host, zone, origin } }: InitRun): object[] {
  return origin === 'zone'
    ? [{ pattern: `${host}/*`, zone_name: zone }]
    : [{ pattern: host, custom_domain: true }]
}

/** The package's own config, with the paths that lead to it from the folder of the deployment. */
async function copyOf(cwd: string, file: string): Promise<string> {
  const text = await readFile(join(ROOT, file), 'utf8')
  const isSource = extname(import.meta.url) === '.ts'
  const at = (path: string) => relative(cwd, join(ROOT, path)).replaceAll('\\', '/')
  const [code, type] = isSource ? ['src', 'ts'] : ['dist', 'js']
  return file === EDGE
    ? changeToml(text, [
        { table: '', name: 'main', value: at(`${code}/worker.${type}`) },
        { table: 'd1_databases', name: 'migrations_dir', value: at('migrations') },
      ])
    : changeToml(text, [
        { table: '', name: 'main', value: at(`${code}/console/worker.${type}`) },
        { table: 'assets', name: 'directory', value: at('src/console/public') },
      ])
}
