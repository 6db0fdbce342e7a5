/** Migrations and both Workers. Each step can be repeated. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isLocalHost } from '../../sites/host.ts'
import { CommandError } from '../command.ts'
import { askHost } from '../outside.ts'
import { must } from '../wrangler.ts'
import { change, routesOf } from './files.ts'
import { CONSOLE, EDGE, type InitRun, type InitStep, markDone, waitFor } from './run.ts'

/** Applies what the database lacks. */
export const migrations: InitStep = {
  id: 'migrations',
  title: () => 'apply the migrations of the database',
  async run({ wrangler, say }) {
    await must(wrangler, ['d1', 'migrations', 'apply', 'BOOK', '--remote', '--config', EDGE])
    say('The database has every migration.')
  },
}

/** Deploys the edge Worker. Without a route it serves no page yet. */
export const edge: InitStep = {
  id: 'edge',
  title: ({ answers: { name } }) => `deploy the edge Worker ${name}`,
  async run(deployment) {
    const { cwd, state, say, answers } = deployment
    if (state.relayer)
      await change(cwd, EDGE, [{ table: 'vars', name: 'RELAYER_ADDRESS', value: state.relayer }])
    await deployEdge(deployment)
    say(`Deployed: ${answers.name}`)
  },
}

/** Deploys the console, which finds the edge Worker by its name. */
export const console: InitStep = {
  id: 'console',
  title: ({ answers: { console: host } }) =>
    host === 'none' ? 'leave out the console' : `deploy the console at ${host}`,
  async run({ answers, wrangler, say }) {
    if (answers.console === 'none') return
    await must(wrangler, ['deploy', '--config', CONSOLE])
    say(`Deployed: the console at https://${answers.console}`)
  },
}

/** Leads the host to the Worker, and waits until a crawler gets 402 there. */
export const route: InitStep = {
  id: 'route',
  title: ({ answers: { host } }) => `lead ${host} to the Worker, and wait until a crawler gets 402 there`,
  async run(deployment) {
    const { cwd, answers, say } = deployment
    const { host, zone, path, origin } = answers
    await change(cwd, EDGE, [{ table: '', name: 'routes', value: routesOf(deployment) }])
    await deployEdge(deployment)
    const isCharged = async () => (await askHost(host, path, 'GPTBot')).status === 402
    if (!(await isCharged())) {
      say(
        `Waiting until a crawler gets 402 at ${answers.url}${path}. Ctrl-C stops; the same command goes on.`,
      )
      if (origin === 'zone' && !isLocalHost(host))
        say(`${host} must be proxied in the DNS of ${zone}:  ${host}  CNAME or A  your server  Proxied`)
    }
    if (!(await waitFor(deployment, isCharged)))
      throw new CommandError(`${answers.url}${path} must answer 402 to a crawler. Run: npx tab402 doctor`)
    say(
      'Cloudflare > Workers Routes: set "request limit failure mode" to fail closed, if your plan has a daily limit.',
    )
    await markDone(deployment, 'route')
  },
}

/**
 * Deploys the edge Worker. A free plan takes no limits of its own: they are removed, and it is deployed again.
 * @throws CommandError if wrangler fails
 */
async function deployEdge({ wrangler, cwd, say }: InitRun): Promise<void> {
  const args = ['deploy', '--config', EDGE]
  const first = await wrangler(args)
  if (first.code === 0) return
  const isFree = /not supported for the Free plan|requires? (?:a|the) (?:Workers )?Paid plan/i
  if (!isFree.test(`${first.stdout}${first.stderr}`)) {
    await must(async () => first, args)
    return
  }
  const path = join(cwd, EDGE)
  await writeFile(path, withoutLimits(await readFile(path, 'utf8')))
  say('Your plan is free: the limits of a paid one were removed from wrangler.toml.')
  await must(wrangler, args)
}

/** Turns the limits of a paid plan into comments. */
export function withoutLimits(text: string): string {
  let inLimits = false
  return text
    .split('\n')
    .map((line) => {
      if (/^\s*\[/.test(line)) inLimits = /^\s*\[limits\]/.test(line)
      const isLimit = (inLimits && /^\s*[[\w]/.test(line)) || /^\s*limits\s*=/.test(line)
      return isLimit ? `# ${line}` : line
    })
    .join('\n')
}
