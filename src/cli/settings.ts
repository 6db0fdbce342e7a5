/** A deployment's settings as its files state them: `wrangler.toml` and, beside it, `.dev.vars`. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseEnv } from 'node:util'
import { parse as parseToml, TomlError } from 'smol-toml'
import * as v from 'valibot'
import { includeStripe } from '../config/stripe-plugin.ts'
import { CommandError, UsageError } from './command.ts'

/** The settings that the Worker would read: its vars, its secrets and stand-ins for its bindings. */
export type DeploymentSettings = {
  vars: Record<string, unknown>
  secrets: Record<string, string>
  /** All of it together, for the Worker's own validation. */
  env: Record<string, unknown>
}

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

/**
 * Reads the settings of a deployment. `env` names its environment; the option that names the file is `option`.
 * @throws UsageError if the file or the section is missing, CommandError if it is malformed
 */
export async function readSettings(
  file: string,
  env: string | undefined,
  option: string,
): Promise<DeploymentSettings> {
  const settings = await readSection(file, env, option)
  const secrets = await readSecrets(dirname(file), env)
  // Only this entry loads the code for Stripe, and the validation must know.
  if (/worker-stripe\.[jt]s$/.test(settings.main ?? ''))
    includeStripe(() => import('../rails/stripe/rail.ts'))
  const { vars } = settings
  return { vars, secrets, env: { ...bindingsOf(settings), ...vars, ...secrets } }
}

async function readSection(file: string, env: string | undefined, option: string): Promise<Section> {
  const text = await readOptional(file)
  if (text === undefined) throw new UsageError(`${file} must exist. Name another file with ${option}.`)
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
  const fetch = () => Promise.reject(new Error('the command line calls no service'))
  return Object.fromEntries([
    ...present.map((name) => [name, {}]),
    ...callable.map((name) => [name, { fetch }]),
  ])
}
