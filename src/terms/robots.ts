/** robots.txt: our lines around the origin's file (RFC 9309), with the lines of RSL, Content Signals and AIPREF. */
import { CRAWLER_CLASSES, crawlerNamed } from '../identity/crawlers.ts'
import type { Policy } from '../paywall/policy.ts'
import { parseRobots } from '../protocol/http/robots.ts'
import { mayMeet } from './globs.ts'
import { PURPOSES, type TermsName } from './names.ts'
import { longest, pruned } from './order.ts'
import {
  type Group,
  ofClass,
  ofEveryCrawler,
  ofName,
  type Said,
  type Section,
  sectionsOf,
} from './sections.ts'
import { usage } from './usage.ts'

/** The key of contentsignals.org by our class of crawler. */
const SIGNAL = { search: 'search', assistant: 'ai-input', training: 'ai-train' } as const

const GROUPS: ReadonlySet<string> = new Set(['crawlers', 'readers', ...CRAWLER_CLASSES])

/** The parts of the origin's file that our lines depend on. */
export type OriginRobots = {
  /** Agents that have a group, in lower case. */
  agents: ReadonlySet<string>
  /** Whether the last agent still lacks rules, so that rules behind it would be its own. */
  isOpen: boolean
  /** Whether the file states Content Signals itself, as Cloudflare's managed part does. */
  statesSignals: boolean
  /** Whether it states Content-Usage. */
  statesUsage: boolean
}

/** For an origin without a file. */
export const NO_ROBOTS: OriginRobots = {
  agents: new Set(),
  isOpen: false,
  statesSignals: false,
  statesUsage: false,
}

const MANAGED = /^# BEGIN Cloudflare Managed content/im

/** Reads the parts of a robots.txt that our lines depend on. */
export function readRobots(text: string): OriginRobots {
  const { groups, others, isOpen } = parseRobots(text)
  const keys = new Set([...others, ...groups.flatMap((group) => group.others)].map(([name]) => name))
  return {
    agents: new Set(groups.map(({ agent }) => agent.toLowerCase())),
    isOpen,
    statesSignals: keys.has('content-signal') || MANAGED.test(text),
    statesUsage: keys.has('content-usage'),
  }
}

/** The lines before the first group, which are about every crawler. `license`: the URL of license.xml. */
export function globalLines(license: string | undefined): string {
  return license === undefined ? '' : `License: ${license}\n\n`
}

/** Our groups, for the end of the file. */
export function groupLines(policy: Policy, names: ReadonlySet<TermsName>, origin: OriginRobots): string {
  const groups = [...namedGroups(policy, origin), ...everyGroup(policy, names, origin)]
  if (groups.length === 0) return ''
  // Trap: an agent without rules would get those of our first group.
  return [...(origin.isOpen ? ['Disallow:'] : []), ...groups].join('\n')
}

function everyGroup(policy: Policy, names: ReadonlySet<TermsName>, origin: OriginRobots): string[] {
  // Trap: of several groups for every agent, some readers take the first alone and others the last.
  if (origin.statesSignals) return []
  const sections = sectionsOf(policy, 'GET', PURPOSES.map(ofClass))
  const signals = PURPOSES.flatMap((purpose, at) => signalOf(purpose, baseOf(sections, at)))
  const usage = names.has('aipref') && !origin.statesUsage ? usageOf(sections) : undefined
  const lines = [
    ...(signals.length > 0 ? [`Content-Signal: ${signals.join(', ')}`] : []),
    ...(usage ? [`Content-Usage: ${usage}`] : []),
    ...ruleLines(policy, ofEveryCrawler),
  ]
  return lines.length > 0 ? groupOf('*', lines) : []
}

/**
 * Groups for the crawlers that rules name. A crawler with a group of its own no longer reads the group for every agent. So
 * where the origin has that group and none for this crawler, only a block of the whole site is stated.
 */
function namedGroups(policy: Policy, { agents }: OriginRobots): string[] {
  return namesIn(policy).flatMap((name) => {
    const purpose = crawlerNamed(name)?.class ?? 'other'
    const group = ofName(name, purpose)
    const base = baseOf(sectionsOf(policy, 'GET', [group]), 0)
    const isBlocked = base !== undefined && base !== 'unsaid' && base.action === 'block'
    if (!isBlocked && agents.has('*') && !agents.has(name.toLowerCase())) return []
    const signals = PURPOSES.flatMap((known) => (known === purpose ? signalOf(known, base) : []))
    const lines = signals.map((signal) => `Content-Signal: ${signal}`)
    return groupOf(name, [...lines, ...ruleLines(policy, group)])
  })
}

/** An empty `Disallow` forbids nothing, and ends the list of agents. */
function groupOf(agent: string, lines: readonly string[]): string[] {
  const hasRules = lines.some((line) => /^(?:Allow|Disallow):/.test(line))
  return [`User-agent: ${agent}`, ...lines, ...(hasRules ? [] : ['Disallow:']), '']
}

/** The paths that are blocked for a group, and those that are not although a shorter pattern of a block covers them. */
function ruleLines(policy: Policy, group: Group): string[] {
  const sections = sectionsOf(policy, 'GET', [group])
  const decisions = longest(sections, 0)
  const stated = sections.map(({ pattern, glob }, at) => ({ pattern, glob, action: decisions[at]?.action }))
  const entries = pruned(stated, (one, other) => (one.action === 'block') === (other.action === 'block'))
  return entries.flatMap(({ pattern, glob, action }, at) => {
    const path = pattern === '/*' ? '/' : pattern
    if (action === 'block') return [`Disallow: ${path}`]
    const isException = entries
      .slice(at + 1)
      .some((later) => later.action === 'block' && mayMeet(later.glob, glob))
    return action && isException ? [`Allow: ${path}`] : []
  })
}

/** "Charged" lacks a word: until a crawler pays, it is a no. */
function signalOf(purpose: keyof typeof SIGNAL, base: Said): string[] {
  if (base === undefined || base === 'unsaid') return []
  return [`${SIGNAL[purpose]}=${base.action === 'allow' ? 'yes' : 'no'}`]
}

/** The value of `Content-Usage` for the site as a whole; undefined where it depends on more than the path. */
function usageOf(sections: readonly Section[]): string | undefined {
  const [searches, , trains] = PURPOSES.map((_, at) => baseOf(sections, at))
  if (!trains || !searches || trains === 'unsaid' || searches === 'unsaid') return undefined
  return usage(trains.action === 'allow', searches.action === 'allow')
}

/** The decision for pages that no narrower section covers. */
function baseOf(sections: readonly Section[], group: number): Said {
  return sections.find(({ glob, said }) => glob.text === '/*' && said[group] !== undefined)?.said[group]
}

/** The crawlers that rules name, as tokens of robots.txt. */
function namesIn({ rules }: Policy): string[] {
  const clients = new Set(rules.flatMap(({ scope }) => scope.askers ?? []))
  return [...clients]
    .filter((client) => !GROUPS.has(client) && /^[\w.-]+$/.test(client))
    .map((client) => crawlerNamed(client)?.name ?? client)
}
