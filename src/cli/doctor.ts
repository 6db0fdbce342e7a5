/** `tab402 doctor`: checks a deployment, from this machine and from inside its Worker. */
import { type Check, examine, worst } from '../doctor/check.ts'
import { MACHINE_CHECKS } from '../doctor/machine.ts'
import { bold, parse, print, printJson, talk, UsageError } from './command.ts'
import { askWorker, configFact, machinePorts, readHere } from './doctor/ports.ts'
import { wranglerIn } from './wrangler.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 doctor                                  check this machine, and the deployment of ./wrangler.toml
  OPERATOR_TOKEN=… tab402 doctor                 have its Worker check itself too
  OPERATOR_TOKEN=… tab402 doctor --url https://www.example.com --path /articles/1
  tab402 doctor --json | jq '.checks[] | select(.outcome == "fail")'

Usage: tab402 doctor [OPTIONS]

Checks tools, login, config, secrets, routes, DNS, certificates and the 402 from outside. With the operator's token the Worker
checks its bindings, migrations, node, contracts, gas money, runs, origin, sites and alerts. Each check is ok, warn or fail, with
the reason and the command that mends it. Nothing is changed.

Options:
  --url URL        the operator's host (TAB402_URL; by default PUBLIC_URL or the first route of the config)
  --path PATH      a page that crawlers pay for (/)
  --config FILE    the config of the edge Worker (wrangler.toml)
  --env NAME       its section [env.NAME]
  --json           print {"outcome": …, "checks": […]}

Environment:
  OPERATOR_TOKEN         the operator's token
  CLOUDFLARE_API_TOKEN   reads whether routes fail closed

Exit codes: 0 no check fails, 1 a check fails, 2 wrong usage.`

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    url: { type: 'string' },
    path: { type: 'string', default: '/' },
    config: { type: 'string', default: 'wrangler.toml' },
    env: { type: 'string' },
    json: { type: 'boolean' },
  })
  if (positionals.length > 0) throw new UsageError('doctor must be called with options only.')
  if (!values.path.startsWith('/')) throw new UsageError('--path must begin with "/".')
  const { OPERATOR_TOKEN, CLOUDFLARE_API_TOKEN, TAB402_URL } = process.env
  const input = {
    file: values.config,
    env: values.env,
    url: values.url ?? (TAB402_URL || undefined),
    path: values.path,
    token: OPERATOR_TOKEN || undefined,
    cloudflareToken: CLOUDFLARE_API_TOKEN || undefined,
  }
  const here = await readHere(input)
  const url = input.url ?? here?.url
  if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new UsageError('--url must be the http(s) URL of the operator’s host.')
  const wrangler = wranglerIn(process.cwd())
  const [{ report, api }, config] = await Promise.all([
    askWorker(input, url),
    configFact(input, here, wrangler),
  ])
  const ports = machinePorts(input, here, { url, api, wrangler }, config)
  const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms).unref())
  const checks = [...(await examine(MACHINE_CHECKS, ports, wait)), ...((report?.checks ?? []) as Check[])]
  const outcome = worst(checks)
  if (values.json) printJson({ outcome, checks })
  else show(checks)
  return outcome === 'fail' ? 1 : 0
}

function show(checks: readonly Check[]): void {
  for (const { outcome, title, reason, fix } of checks) {
    print(`${outcome.padEnd(4)}  ${bold(title)}. ${reason}`)
    if (fix) for (const line of fix.split('\n')) print(`      ${line}`)
  }
  const count = (outcome: Check['outcome']) => checks.filter((check) => check.outcome === outcome).length
  talk(`${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failing.`)
}
