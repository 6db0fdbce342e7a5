/** `tab402 check-config`: the Worker's own validation over `wrangler.toml` and `.dev.vars`, before a deploy. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseEnv } from 'node:util'
import { parse as parseToml, TomlError } from 'smol-toml'
import * as v from 'valibot'
import { addressProblems, type ConfigProblem, describeProblems, readConfig } from '../config/config.ts'
import { contractWarnings } from '../config/contracts.ts'
import { includeStripe } from '../config/stripe-plugin.ts'
import { CommandError, parse, print, printJson, talk, UsageError } from './command.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 check-config                                         check ./wrangler.toml and ./.dev.vars
  tab402 check-config --secret RPC_URL --secret RELAYER_KEY   these are set by "wrangler secret put"
  tab402 check-config --config site/wrangler.toml --env production --json

Usage: tab402 check-config [OPTIONS]

Reads [vars] and the bindings of wrangler.toml, and the secrets of .dev.vars in the same folder.
Prints every problem with its place and what the setting must be. Values are never printed.

Options:
  --config FILE    the file to check (wrangler.toml)
  --env NAME       check [env.NAME], and .dev.vars.NAME if it exists
  --secret NAME    accept a missing secret; repeat it for each
  --json           print {"ok": …, "problems": […], "warnings": […]}

A price that cannot pay for its gas is a warning. Warnings go to stderr and change no exit code.
Exit codes: 0 no problems, 1 problems, 2 wrong usage.`

const named = v.object({ name: v.string() })
const bound = v.object({ binding: v.string() })
const section = {
  main: v.optional(v.string()),
  vars: v.optional(v.record(v.string(), v.unknown()), {}),
  durable_objects: v.optional(v.object({ bindings: v.optional(v.array(named), []) }), {}),
  services: v.optional(v.array(bound), []),
  d1_databases: v.optional(v.array(bound), []),
  workflows: v.optional(v.array(bound), []),
  assets: v.optional(v.object({ binding: v.optional(v.string()) }), {}),
}

const Section = v.object(section)

/** The parts of wrangler.toml that the Worker's settings depend on. An environment inherits `main` only. */
const WranglerFile = v.object({ ...section, env: v.optional(v.record(v.string(), Section), {}) })

type Section = v.InferOutput<typeof Section>

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    config: { type: 'string', default: 'wrangler.toml' },
    env: { type: 'string' },
    secret: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean' },
  })
  if (positionals.length > 0) throw new UsageError('check-config must be called with options only.')
  const settings = await readSection(values.config, values.env)
  const secrets = await readSecrets(dirname(values.config), values.env)
  // Only this entry loads the code for Stripe, and the validation must know.
  if (/worker-stripe\.[jt]s$/.test(settings.main ?? ''))
    includeStripe(() => import('../rails/stripe/rail.ts'))
  const vars = { ...bindingsOf(settings), ...settings.vars, ...secrets }
  const result = readConfig(vars)
  const accepted = new Set(values.secret)
  const problems = (result.ok ? addressProblems(result.config) : result.problems).filter(
    ({ place }) => !(accepted.has(place) && !(place in vars)),
  )
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

async function readSection(file: string, env: string | undefined): Promise<Section> {
  const text = await readOptional(file)
  if (text === undefined) throw new UsageError(`${file} must exist. Name another file with --config.`)
  const parsed = v.safeParse(WranglerFile, toml(file, text))
  if (!parsed.success) {
    const places = parsed.issues.map((issue) => v.getDotPath(issue)).join(', ')
    throw new CommandError(`${file} must follow the format of wrangler.toml. Check: ${places}`)
  }
  if (env === undefined) return parsed.output
  const chosen = Object.hasOwn(parsed.output.env, env) ? parsed.output.env[env] : undefined
  if (!chosen) throw new UsageError(`--env must name a section [env.NAME] of ${file}.`)
  return { ...chosen, main: chosen.main ?? parsed.output.main }
}

/** The parser's message quotes the line, which may hold a secret. */
function toml(file: string, text: string): unknown {
  try {
    return parseToml(text)
  } catch (cause) {
    if (cause instanceof TomlError)
      throw new CommandError(`${file} must be valid TOML. See line ${cause.line}, column ${cause.column}.`)
    throw cause
  }
}

/** As `wrangler dev` does, the file of an environment replaces the general one. */
async function readSecrets(folder: string, env: string | undefined): Promise<Record<string, string>> {
  const own = env === undefined ? undefined : await readOptional(join(folder, `.dev.vars.${env}`))
  const text = own ?? (await readOptional(join(folder, '.dev.vars'))) ?? ''
  return parseEnv(text) as Record<string, string>
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw cause
  }
}

/** The validation asks whether a binding is there, and whether a service can be called. */
function bindingsOf(section: Section): Record<string, object> {
  const { durable_objects, services, d1_databases, workflows, assets } = section
  const present = [
    ...durable_objects.bindings.map(({ name }) => name),
    ...[...d1_databases, ...workflows].map(({ binding }) => binding),
  ]
  const callable = [...services.map(({ binding }) => binding), ...(assets.binding ? [assets.binding] : [])]
  const fetch = () => Promise.reject(new Error('check-config calls no service'))
  return Object.fromEntries([
    ...present.map((name) => [name, {}]),
    ...callable.map((name) => [name, { fetch }]),
  ])
}
