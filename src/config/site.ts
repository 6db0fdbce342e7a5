/** A site's document as vars: the config reads them over those of the deployment. */
import type { Policy } from '../paywall/policy.ts'
import type { ConfigProblem } from '../platform/problem.ts'
import { SITE_TERMS, type SiteDocument } from '../sites/document.ts'
import type { Validate } from '../sites/judge.ts'
import { type Config, readConfig } from './config.ts'

/** The vars of a site. `originSecret`: its own one, where the deployment has a secret. */
export function siteVars(
  { mode, terms }: Pick<SiteDocument, 'mode' | 'terms'>,
  originSecret?: string,
): Record<string, unknown> {
  const MODE = mode === 'shadow' ? 'shadow' : 'live'
  return { ...terms, MODE, ...(originSecret !== undefined && { ORIGIN_SECRET: originSecret }) }
}

/** Judges documents by the code that reads `[vars]`, over the vars of this deployment. */
export function judgeSite(env: object): Validate {
  return (document) => {
    const read = readConfig(env, siteVars(document))
    const own = readConfig(env)
    const problems = read.ok
      ? [
          ...originProblems(document, read.config.policy.origin.kind),
          ...(own.ok ? foreignProblems(read.config.policy, own.config) : []),
        ]
      : [...read.problems]
    return { problems: problems.map(placed), warnings: read.warnings.map(placed) }
  }
}

function originProblems({ via }: SiteDocument, kind: string): ConfigProblem[] {
  const example = '"https://origin.example.com"'
  const place = 'ORIGIN'
  if (kind === 'self')
    return [{ place, message: 'must be a server: nothing stands behind a site here', example }]
  // The platform sends a request for a foreign host only to that host, which leads here again.
  if (kind === 'zone' && via !== 'route')
    return [
      {
        place,
        message: `must be the URL of a server with a host of its own, since via is "${via}"`,
        example,
      },
    ]
  return []
}

/** Runs settle the networks of the deployment alone, and a node of another chain would answer for the site. */
function foreignProblems({ networks }: Policy, deployment: Config): ConfigProblem[] {
  const settled = deployment.networks.map(({ network }) => network.id)
  const example = settled.map((id) => `"${id}"`).join(' or ')
  const message = 'must be of this deployment: in its NETWORK, or in its table RPC_URL or FACILITATOR_URL'
  return networks.every(({ id }) => settled.includes(id)) ? [] : [{ place: 'NETWORK', message, example }]
}

/** A problem of a term has its place below `terms`. All else is a var of the deployment. */
function placed(problem: ConfigProblem): ConfigProblem {
  const [name = ''] = problem.place.split(/[.[]/)
  return SITE_TERMS.includes(name) ? { ...problem, place: `terms.${problem.place}` } : problem
}
