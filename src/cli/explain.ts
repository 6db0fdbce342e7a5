/** `tab402 explain`: says what the paywall answers to a request, and why. */
import type { Bindings } from '../app/bindings.ts'
import { readConfig } from '../config/config.ts'
import type { Published } from '../identity/claim.ts'
import { type ExplainedSite, type Explanation, explain } from '../paywall/explain.ts'
import { bold, parse, print, printJson, talk, UsageError } from './command.ts'
import { fetchLists, shippedLists } from './lists.ts'
import { formatUsd } from './money.ts'
import { policyOf } from './policy.ts'
import { type DeploymentSettings, readSettings } from './settings.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 explain https://site.example/articles/1 --as GPTBot
  tab402 explain https://site.example/articles/1 --as reader
  tab402 explain 'https://site.example/a;b' --as 'Mozilla/5.0 (compatible; AcmeBot/1.0)' --json

Usage: tab402 explain URL --as NAME [OPTIONS]

Prints the class of the client, every reading of the URL, the rule and the price. Nothing is sent.

Options:
  --as NAME        a known crawler, reader, or a whole User-Agent
  --method NAME    the method of the request (GET)
  --ip ADDRESS     the address of the client
  --verified       Cloudflare states that it is the crawler that it names
  --lists          fetch the addresses that operators publish, to refute a name
  --country CODE   its country: ISO 3166, T1 (Tor) or none (none)
  --signed HOST    it carries a valid signature of this Signature-Agent, such as chatgpt.com
  --policy FILE    the settings (wrangler.toml, with .dev.vars beside it)
  --env NAME       the section [env.NAME] of that file
  --json           print everything as JSON, with amounts in micro-dollars as text

Exit codes: 0 success, 1 invalid settings, 2 wrong usage.`

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    as: { type: 'string' },
    method: { type: 'string', default: 'GET' },
    ip: { type: 'string' },
    verified: { type: 'boolean' },
    lists: { type: 'boolean' },
    signed: { type: 'string' },
    country: { type: 'string' },
    policy: { type: 'string', default: 'wrangler.toml' },
    env: { type: 'string' },
    json: { type: 'boolean' },
  })
  const [url = '', ...more] = positionals
  if (!/^https?:\/\/./i.test(url) || !URL.canParse(url) || more.length > 0)
    throw new UsageError('URL must be one http(s) URL.')
  const { as, ip, signed: signedBy, country } = values
  if (!as) throw new UsageError('--as must be a known crawler, reader or a User-Agent. Example: GPTBot')
  if (country !== undefined && !/^(?:[A-Z]{2}|T1|none)$/.test(country))
    throw new UsageError('--country must be an ISO 3166 code of two capital letters, T1 or none.')
  const method = values.method.toUpperCase()
  if (!METHODS.includes(method)) throw new UsageError(`--method must be one of ${METHODS.join(', ')}.`)
  const site = await siteIn(
    await readSettings(values.policy, values.env, '--policy'),
    values.policy,
    values.lists ? await fetchLists() : shippedLists(),
  )
  const explanation = explain(site, {
    url,
    method,
    as,
    ip,
    country,
    signedBy: signedBy?.replace(/^https?:\/\//, ''),
    isVerified: values.verified,
    now: Date.now(),
  })
  if (values.json) printJson(explanation)
  else print(text(explanation))
  return 0
}

/** Without the secrets that offers are made from, the policy alone decides. */
async function siteIn(
  settings: DeploymentSettings,
  file: string,
  published: Published,
): Promise<ExplainedSite> {
  const read = readConfig(settings.env)
  // Offers are made from settings alone, so that no binding is called.
  const bindings = settings.env as unknown as Bindings
  if (read.ok) {
    const { schemesOf } = await import('../app/schemes.ts')
    return { policy: read.config.policy, offerers: schemesOf(bindings, read.config), published }
  }
  talk(`note: a 402 is shown without offers. "tab402 check-config --config ${file}" lists what they need.`)
  return { policy: policyOf(settings, file), offerers: undefined, published }
}

function text(explanation: Explanation): string {
  const { method, url, userAgent, client, decision, readings, refusal, status, headers } = explanation
  const name =
    client.kind === 'reader' ? 'a reader' : `${client.name ?? 'a crawler without a name'}, ${client.class}`
  const answer = status === null ? 'the origin answers, free' : `${status} ${refusal?.code}`
  return [
    `${method} ${url}`,
    `User-Agent: ${userAgent}`,
    '',
    `${bold('client')}    ${name}`,
    ...client.reasons.map((reason) => `          ${reason}`),
    `${bold('readings')}  ${readings.length === 1 ? 'one' : `${readings.length}, of which the dearest counts for crawlers`}`,
    ...readings.map(
      ({ reading, action, price, rule }) =>
        `          ${reading}  ${rule}: ${action}${action === 'charge' ? ` $${formatUsd(price)}` : ''}`,
    ),
    ...(decision ? [`${bold('rule')}      ${decision.why}`] : []),
    ...(decision?.action === 'charge' ? [`${bold('price')}     $${formatUsd(decision.price)}`] : []),
    ...(decision?.asksOrigin
      ? ['          The origin was not asked. It may state another price or date.']
      : []),
    `${bold('answer')}    ${answer}`,
    ...Object.entries(headers).map(([header, value]) => `          ${header}: ${value}`),
  ].join('\n')
}
