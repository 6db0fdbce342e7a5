/** Sites for the tests of terms, and readers of their documents that are not ours. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import robotsParser from 'robots-parser'
import { parsePolicy } from '../../src/config/policy.ts'
import type { Asker } from '../../src/identity/classify.ts'
import type { CrawlerClass } from '../../src/identity/crawlers.ts'
import { canonicalize } from '../../src/paywall/path.ts'
import { type Decision, decide, type Policy } from '../../src/paywall/policy.ts'

export const SITE = 'https://daily.example'

/** The policy of a site with these rules and, by default, a price of $0.002. */
export function policyOf(rules: readonly unknown[], vars: Record<string, unknown> = {}): Policy {
  const result = parsePolicy({
    ORIGIN: 'https://origin.example',
    RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
    NETWORK: 'eip155:8453',
    PRICE: '0.002',
    RULES: rules,
    ...vars,
  })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.policy
}

/** The decision for a crawler of a class without a name. `target`: path and query. */
export function decided(
  policy: Policy,
  target: string,
  purpose: string,
  name?: string,
  method = 'GET',
): Decision {
  const path = canonicalize(target)
  if (!path.ok) throw new Error(`${target} must be a path`)
  const asker: Asker = {
    kind: 'crawler',
    class: purpose as CrawlerClass,
    claim: 'unknown',
    reasons: [],
    ...(name && { name }),
  }
  return decide(policy, { method, path: path.value, asker })
}

/** Whether a pattern of RFC 9309 covers a path and query. */
export function covers(pattern: string, target: string): boolean {
  const robots = robotsParser(`${SITE}/robots.txt`, `User-agent: *\nDisallow: ${pattern}\n`)
  return robots.isDisallowed(`${SITE}${target}`, 'AnyBot') ?? false
}

export type Licence = {
  permits: string[]
  users: string[]
  prohibits: string[]
  payment: { type: string; amount?: string; currency?: string; accepts?: string }
}
type Text = { '#text': string; type: string }

/** The contents of a license.xml in order. Throws where it is not well formed. */
export function readLicense(xml: string): { url: string; licences: Licence[] }[] {
  const valid = XMLValidator.validate(xml)
  if (valid !== true) throw new Error(valid.err.msg)
  const lists = ['content', 'license', 'permits', 'prohibits']
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    isArray: (name) => lists.includes(name),
  })
  const { rsl } = parser.parse(xml)
  const words = (found: Text[] | undefined, type: string) =>
    (found ?? []).filter((one) => one.type === type).flatMap((one) => one['#text'].split(' '))
  return (rsl.content ?? []).map(({ url, license, ...rest }: { url: string; license: never[] }) => {
    if (Object.keys(rest).length > 0) throw new Error(`unknown parts of a content: ${Object.keys(rest)}`)
    const licences = license.map(({ permits, prohibits, payment }: Record<string, never>) => ({
      permits: words(permits, 'usage'),
      users: words(permits, 'user'),
      prohibits: words(prohibits, 'usage'),
      payment: paymentOf(payment),
    }))
    return { url, licences }
  })
}

function paymentOf(
  payment:
    | { type: string; amount?: { '#text': string; currency: string }; accepts?: { type: string } }
    | undefined,
): Licence['payment'] {
  if (!payment) return { type: 'free' }
  const { type, amount, accepts } = payment
  return {
    type,
    ...(amount && { amount: amount['#text'], currency: amount.currency }),
    ...(accepts && { accepts: accepts.type }),
  }
}

/** The word of license.xml on a use of a page: the strictest licence that covers it holds. Undefined if none does. */
export function licensedFor(xml: string, target: string, use: string): 'block' | bigint | undefined {
  const fitting = readLicense(xml)
    .filter(({ url }) => covers(url, target))
    .flatMap(({ licences }) => licences)
  if (fitting.some(({ prohibits }) => prohibits.includes(use) || prohibits.includes('all'))) return 'block'
  const prices = fitting
    .filter(({ permits }) => permits.includes(use))
    .map(({ payment }) => microUsd(payment.amount))
  return prices.length === 0 ? undefined : prices.reduce((one, other) => (one > other ? one : other))
}

/** USD as these documents write it, in micro-dollars; free without an amount. */
export function microUsd(amount = '0'): bigint {
  const [whole = '', fraction = ''] = amount.split('.')
  return BigInt(whole + fraction.padEnd(6, '0'))
}

/** A decision in the words of {@link licensedFor}. */
export function inShort({ action, price }: Decision): 'block' | bigint {
  return action === 'block' ? 'block' : price
}
