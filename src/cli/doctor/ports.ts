/** How the doctor reads this machine: wrangler, the config, the hosts from outside, and Cloudflare's routes. */
import { parse as parseToml } from 'smol-toml'
import { readConfig } from '../../config/config.ts'
import type { ApiFact, ConfigFact, HostFact, MachinePorts, RouteFact } from '../../doctor/machine.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import { readOptional } from '../init/state.ts'
import { askOutside } from '../outside.ts'
import { readSettings } from '../settings.ts'
import { apiOf } from '../sites/api.ts'
import { loginOf, secretsOf, type Wrangler } from '../wrangler.ts'

/** The parts of wrangler.toml that the doctor reads beside the settings. */
type WranglerToml = {
  name?: string
  workers_dev?: boolean
  preview_urls?: boolean
  limits?: object
  routes?: (string | { pattern: string; zone_name?: string })[]
  vars?: { PUBLIC_URL?: string }
}

const NO_ANSWER: { body?: Record<string, unknown> } = {}

/** The most hosts that are asked from outside. Others are left out. */
const MAX_HOSTS = 50

/** Arguments of the doctor. `url`: the operator's host. */
export type DoctorInput = {
  file: string
  env: string | undefined
  url: string | undefined
  path: string
  token: string | undefined
  cloudflareToken: string | undefined
}

/** The answer of the Worker's own checks; null where it could not be asked. */
export type WorkerReport = { version: string; at: number; checks: unknown[] }

/** The config here, and the URL that it states; null without a file. */
export async function readHere({
  file,
  env,
}: DoctorInput): Promise<{ toml: WranglerToml; url?: string } | null> {
  const text = await readOptional(file)
  if (text === undefined) return null
  const whole = parseToml(text) as WranglerToml & { env?: Record<string, WranglerToml> }
  const toml = { ...whole, ...(env === undefined ? {} : whole.env?.[env]) }
  const [route] = toml.routes ?? []
  const pattern = typeof route === 'string' ? route : route?.pattern
  const url = toml.vars?.PUBLIC_URL ?? (pattern && `https://${pattern.replace(/\/.*$/, '')}`)
  return { toml, ...(url && { url }) }
}

/** Asks the Worker for its own checks. */
export async function askWorker(
  { path, token }: DoctorInput,
  url: string | undefined,
): Promise<{ report: WorkerReport | null; api: ApiFact }> {
  if (!url) return { report: null, api: { state: 'unasked', why: 'The URL of the deployment is missing.' } }
  if (!token) return { report: null, api: { state: 'unasked', why: 'OPERATOR_TOKEN is missing.' } }
  try {
    const { status, body, faults } = await apiOf(url, token)('GET', `doctor?page=${encodeURIComponent(path)}`)
    if (status !== 200) throw new Error(faults[0]?.message ?? `It answered ${status}.`)
    const report = body as WorkerReport
    return { report, api: { state: 'answers', version: report.version, time: report.at } }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return { report: null, api: { state: 'failed', why } }
  }
}

/** The ports of the machine's checks. */
export function machinePorts(
  input: DoctorInput,
  here: Awaited<ReturnType<typeof readHere>>,
  { url, api, wrangler }: { url: string | undefined; api: ApiFact; wrangler: Wrangler },
  config: ConfigFact | null,
): MachinePorts {
  const { file, token, cloudflareToken } = input
  const version = once(async () => {
    const answer = await wrangler(['--version']).catch(() => null)
    return answer?.code === 0 ? (/\d+\.\d+\.\d+/.exec(answer.stdout)?.[0] ?? null) : null
  })
  const isThere = async () => here !== null && (await version()) !== null
  return {
    now: Date.now,
    node: process.versions.node,
    wrangler: version,
    accounts: async () => (await loginOf(wrangler))?.map(({ name }) => name) ?? null,
    config,
    secrets: async () => ((await isThere()) ? secretsOf(wrangler, file) : null),
    api,
    hosts: async () => hostsOf(input, url, api),
    routes: async () => (cloudflareToken ? routesAt(cloudflareToken, here?.toml.routes ?? []) : null),
    token,
  }
}

/** The config with the problems of its settings. Secrets that Cloudflare has need not be here. */
export async function configFact(
  { file, env }: DoctorInput,
  here: Awaited<ReturnType<typeof readHere>>,
  wrangler: Wrangler,
): Promise<ConfigFact | null> {
  if (!here) return null
  const settings = await readSettings(file, env, '--config')
  const read = readConfig(settings.env)
  const deployed = new Set(await secretsOf(wrangler, file).catch(() => []))
  const problems = read.ok
    ? []
    : read.problems.filter(({ place }) => !(deployed.has(place) && !(place in settings.env)))
  const { workers_dev: workersDev, preview_urls: previewUrls, limits } = here.toml
  return { file, workersDev, previewUrls, hasLimits: limits !== undefined, problems }
}

/** The hosts of the deployment from outside: those of its registry, or that of the URL. */
async function hostsOf(
  { path, token }: DoctorInput,
  url: string | undefined,
  api: ApiFact,
): Promise<HostFact[]> {
  if (!url) return []
  // Without a registry the path is unknown, and the vars are the only site.
  const { body } =
    token && api.state === 'answers' ? await apiOf(url, token)('GET', 'sites?limit=100') : NO_ANSWER
  const sites = (body?.sites ?? []) as { mode: string; hosts: string[] }[]
  const live = sites.filter(({ mode }) => mode === 'live').flatMap((site) => site.hosts)
  const hosts = live.length > 0 ? live : [new URL(url).host]
  const none = (host: string): HostFact => ({ host, crawler: null, reader: null, fault: 'gave no answer' })
  return mapConcurrently(hosts.slice(0, MAX_HOSTS), (host) => askOutside(host, path), none)
}

/** The routes of the config as Cloudflare has them. */
async function routesAt(token: string, routes: NonNullable<WranglerToml['routes']>): Promise<RouteFact[]> {
  const zones = new Set(routes.flatMap((route) => (typeof route === 'object' && route.zone_name) || []))
  const get = async <Result>(path: string) => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`https://api.cloudflare.com/client/v4/${path}`, { headers })
    if (!answer.ok) throw new Error(`Cloudflare answered ${answer.status}`)
    return ((await answer.json()) as { result: Result }).result
  }
  const found = await Promise.all(
    [...zones].map(async (zone) => {
      const [known] = await get<{ id: string }[]>(`zones?name=${encodeURIComponent(zone)}`)
      if (!known) throw new Error('the zone must be one of the account')
      return get<{ pattern: string; request_limit_fail_open?: boolean }[]>(`zones/${known.id}/workers/routes`)
    }),
  )
  const ours = new Set(routes.map((route) => (typeof route === 'string' ? route : route.pattern)))
  return found
    .flat()
    .filter(({ pattern }) => ours.has(pattern))
    .map(({ pattern, request_limit_fail_open: isOpen = false }) => ({ pattern, isOpen }))
}

function once<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => {
    value ??= read()
    return value
  }
}
