/** `tab402 check-config`: the Worker's own validation over `wrangler.toml` and `.dev.vars`, before a deploy. */
import { addressProblems, type ConfigProblem, describeProblems, readConfig } from '../config/config.ts'
import { contractWarnings } from '../config/contracts.ts'
import { chainProblems } from '../config/network.ts'
import { parse, print, printJson, talk, UsageError } from './command.ts'
import { readSettings } from './settings.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 check-config                                         check ./wrangler.toml and ./.dev.vars
  tab402 check-config --secret RPC_URL --secret RELAYER_KEY   these are set by "wrangler secret put"
  tab402 check-config --chain                                 compare the contracts with the chain too
  tab402 check-config --config site/wrangler.toml --env production --json

Usage: tab402 check-config [OPTIONS]

Reads [vars] and the bindings of wrangler.toml, and the secrets of .dev.vars in the same folder.
Prints every problem with its place and what the setting must be. Values are never printed.

Options:
  --config FILE    the file to check (wrangler.toml)
  --env NAME       check [env.NAME], and .dev.vars.NAME if it exists
  --secret NAME    accept a missing secret; repeat it for each
  --chain          compare each network with the contracts that its RPC_URL serves: code, decimals, domains
  --json           print {"ok": …, "problems": […], "warnings": […]}

A price that cannot pay for its gas is a warning. Warnings go to stderr and change no exit code.
Exit codes: 0 no problems, 1 problems, 2 wrong usage.`

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    config: { type: 'string', default: 'wrangler.toml' },
    env: { type: 'string' },
    secret: { type: 'string', multiple: true, default: [] },
    chain: { type: 'boolean' },
    json: { type: 'boolean' },
  })
  if (positionals.length > 0) throw new UsageError('check-config must be called with options only.')
  const { env: vars, secrets } = await readSettings(values.config, values.env, '--config')
  const result = readConfig(vars)
  const accepted = new Set(values.secret)
  const known = (result.ok ? addressProblems(result.config) : result.problems).filter(
    ({ place }) => !(accepted.has(place) && !(place in vars)),
  )
  const onChain = values.chain && result.ok ? await chainProblems(result.config.networks) : []
  const problems = [...known, ...onChain]
  const ending = result.ok ? contractWarnings(result.config.policy.contracts, Date.now()) : []
  const warnings = [...result.warnings, ...ending]
  if (values.json) printJson({ ok: problems.length === 0, problems, warnings })
  else report(problems, warnings, values.config, secrets)
  return problems.length === 0 ? 0 : 1
}

function report(
  problems: readonly ConfigProblem[],
  warnings: readonly ConfigProblem[],
  file: string,
  secrets: Record<string, string>,
): void {
  const line = (problem: ConfigProblem) => {
    const name = /^\w*/.exec(problem.place)?.[0] ?? ''
    return `${name in secrets ? '.dev.vars' : file}: ${describeProblems([problem])}`
  }
  for (const problem of problems) print(line(problem))
  for (const warning of warnings) talk(`warning: ${line(warning)}`)
  if (problems.length === 0) talk(`${file}: no problems.`)
  else
    talk(
      `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}. If "wrangler secret put" has set a secret, name it: --secret NAME`,
    )
}
