/**
 * A policy's rules as sections of the site, each with the decision for each group of crawlers. Every document is written from
 * them, so that they all say what `decide` does.
 */
import { canonicalize } from '../paywall/path.ts'
import { namesFiles, spanOf } from '../paywall/pattern.ts'
import type { Decision, Policy, Rule } from '../paywall/policy.ts'
import { coversAll, type Glob, globOf, mayMeet } from './globs.ts'

/**
 * A group of crawlers by the keys of a rule's clients: whether they select all of the group, none of it (false), or some
 * (undefined). `key` names the group.
 */
export type Group = { key: string; select: (clients: readonly string[]) => boolean | undefined }

/**
 * The words of a document about one group in one section: the decision for all of it, or `unsaid` where that depends on more
 * than the document can express. Undefined: the section differs in nothing from those behind it.
 */
export type Said = Decision | 'unsaid' | undefined

/** Pages that a document names together. */
export type Section = {
  /** As robots.txt writes it (RFC 9309 §2.2.3): `*` is any text, a `$` at the end is the end of path and query. */
  pattern: string
  /** The same as a glob over path and query, in the form that rules match. */
  glob: Glob
  /** The requests that are meant: without a query, with one, or any. Sections before it have the others that the glob covers. */
  queries: 'none' | 'only' | 'any'
  /** For each group that was asked for, in its order. */
  said: readonly Said[]
}

/** Beyond either no section is stated, and the 402 alone has the prices: sections are compared in pairs. */
export const MAX_STATED_RULES = 100
const MAX_SECTIONS = 1_000

/** The pages that no rule names. */
const ALL = '/*'

/** The crawlers of a class that no rule names. */
export function ofClass(name: string): Group {
  return { key: name, select: (clients) => selects(clients, ['crawlers', name]) }
}

/** One crawler by its name. */
export function ofName(name: string, purpose: string): Group {
  const key = name.toLowerCase()
  return { key: `agent:${key}`, select: (clients) => selects(clients, ['crawlers', purpose, key]) }
}

/** Every crawler: a rule for some of them leaves it open. */
export const ofEveryCrawler: Group = {
  key: 'every',
  select: (clients) => {
    if (clients.includes('crawlers')) return true
    return clients.every((client) => client === 'readers') ? false : undefined
  },
}

const made = new WeakMap<Policy, Map<string, Section[]>>()

/**
 * The sections of a site for one method, in the order of its rules: the first one that covers a page decides. The last covers
 * every page. Pages that are always free are left out.
 */
export function sectionsOf(policy: Policy, method: string, groups: readonly Group[]): Section[] {
  const known = made.get(policy) ?? new Map<string, Section[]>()
  made.set(policy, known)
  // A policy has few groups: classes, and the crawlers that it names.
  const key = [method, ...groups.map((group) => group.key)].join(' ')
  const sections = known.get(key) ?? makeSections(policy, method, groups)
  known.set(key, sections)
  return sections
}

function makeSections(policy: Policy, method: string, groups: readonly Group[]): Section[] {
  if (policy.rules.length > MAX_STATED_RULES) return []
  const rules = rulesOf(policy, method).filter(({ clients }) =>
    groups.some((group) => group.select(clients) !== false),
  )
  const stated = rules.flatMap((rule, at) => {
    const saidOf = (group: Group, match: Glob, queries: Section['queries']): Said => {
      const isOwn = group.select(rule.clients) !== false
      if (!isOwn && queries === 'only') return undefined
      // Where the rule is about others, its section may say only what holds with and without a query.
      const states = isOwn && queries !== 'any' ? [queries === 'only'] : [false, true]
      const [said = 'unsaid', other = said] = states.map((queried) =>
        decisionIn(policy, rules.slice(at), { match, queried, group }, queries === 'only'),
      )
      return said !== 'unsaid' && said === other ? said : isOwn ? 'unsaid' : undefined
    }
    const section = (form: Form, queries: Section['queries']): Section => ({
      ...written(form, queries),
      said: groups.map((group) => saidOf(group, form.match, queries)),
    })
    return rule.forms.flatMap((form) => {
      if (form.match.end !== '') {
        const queried = coverage(rule, true) === false ? [] : [section(form, 'only')]
        return [...queried, section(form, 'none')]
      }
      if (rule.query === 'any') return [section(form, 'any')]
      // Trap: in these documents a last `*` covers a query too, so the sections with a query come first.
      const inside = rules.slice(at + 1).flatMap((later) => later.forms.filter((one) => isInside(one, form)))
      return [...inside.map((one) => section(one, 'only')), section(form, 'only'), section(form, 'none')]
    })
  })
  if (stated.length > MAX_SECTIONS) return []
  const rest = formOf(ALL, ALL)
  return reached([...stated, { ...written(rest, 'any'), said: groups.map(() => policy.fallback) }])
}

/** The sections without what one before them has decided. */
function reached(sections: readonly Section[]): Section[] {
  return sections.flatMap((section, at) => {
    const before = sections.slice(0, at).filter(({ glob, queries }) => {
      return (queries === 'any' || queries === section.queries) && coversAll(glob, section.glob)
    })
    const said = section.said.map((one, group) =>
      before.some((earlier) => earlier.said[group] !== undefined) ? undefined : one,
    )
    return said.some((one) => one !== undefined) ? [{ ...section, said }] : []
  })
}

function written({ shown, sent }: Form, queries: Section['queries']): Omit<Section, 'said'> {
  const end = queries === 'only' ? '?*' : shown.endsWith('*') ? '' : '$'
  return {
    pattern: `${shown.replace(/\$$/, '%24')}${end}`,
    glob: queries === 'only' ? globOf(`${sent}?*`) : globOf(sent),
    queries,
  }
}

function isInside(form: Form, other: Form): boolean {
  return form.match.text !== other.match.text && coversAll(other.match, form.match)
}

/**
 * The decision for every request of a pattern; undefined where it depends on more. `queries`: whether requests may have a query.
 */
export function decisionFor(
  policy: Policy,
  method: string,
  pattern: string,
  { group, queries }: { group: Group; queries: boolean },
): Decision | undefined {
  if (!canonicalize(pattern).ok) return undefined
  const rules = rulesOf(policy, method)
  const [first, ...others] = formsOf(pattern).flatMap(({ match }) =>
    (queries ? [false, true] : [false]).map((queried) =>
      decisionIn(policy, rules, { match, queried, group }),
    ),
  )
  return first !== 'unsaid' && others.every((other) => other === first) ? first : undefined
}

/** The requests for a pattern, with a query or without one, of a group. */
type Requests = { match: Glob; queried: boolean; group: Group }

/**
 * The decision for all these requests, by the first rule that covers them. `areInsidesStated`: rules for a part of the pattern
 * have sections of their own before this one.
 */
function decisionIn(
  policy: Policy,
  rules: readonly Read[],
  { match, queried, group }: Requests,
  areInsidesStated = false,
): Decision | 'unsaid' {
  for (const rule of rules) {
    const meeting = rule.forms.filter((form) => mayMeet(form.match, match))
    if (meeting.length === 0) continue
    const [asked, covered] = [group.select(rule.clients), coverage(rule, queried)]
    if (asked === false || covered === false) continue
    const whole = meeting.some((form) => coversAll(form.match, match))
    if (!whole && areInsidesStated && meeting.every((form) => coversAll(match, form.match))) continue
    return asked && covered && whole ? rule.decision : 'unsaid'
  }
  return policy.fallback
}

/** A rule as documents read it. */
type Read = {
  /** As in {@link Rule.scope}: groups, classes and names in lower case. */
  clients: readonly string[]
  methods: readonly string[] | undefined
  forms: readonly Form[]
  /** The query term. */
  query: unknown
  /** Whether another term takes part in the decision. */
  depends: boolean
  decision: Decision
}

/** A pattern of a rule: as a document shows it, as it is sent (in lower case), and as rules match it. */
type Form = { shown: string; sent: string; match: Glob }

function rulesOf({ rules }: Policy, method: string): Read[] {
  return rules.map(read).filter(({ methods }) => !methods || methods.includes(method))
}

const STATED = new Set(['path', 'query', 'method', 'who', 'action', 'schemes'])
/** Terms that leave the price of a page as it is for who pays for it first. */
const LIST_PRICE = new Set(['free', 'recrawl', 'steps', 'pass'])

function read({ written, scope, decision }: Rule): Read {
  const isAllow = decision.action === 'allow'
  const terms = Object.keys(written).filter((term) => written[term] !== undefined)
  return {
    clients: scope.askers ?? ['crawlers'],
    methods: written.method,
    forms: formsOf(written.path ?? ALL),
    query: written.query ?? (isAllow ? 'none' : 'any'),
    depends: terms.some((term) => !isStated(term, written[term])) || (isAllow && !isWhole(written.path)),
    decision,
  }
}

/** Whether a rule that lets pass covers all that its pattern says: patterns for files leave out some folders. */
function isWhole(pattern = ALL): boolean {
  const span = spanOf(pattern)
  return span !== undefined && !namesFiles(span)
}

/** The one place that decides which terms a document can state: of any other, the rule's price is left unsaid. */
function isStated(term: string, value: unknown): boolean {
  if (term === 'price') return typeof value === 'bigint'
  return STATED.has(term) || LIST_PRICE.has(term)
}

/** Whether a rule covers pages with any query (or without one); undefined if that depends on the query or on other terms. */
function coverage({ query, depends }: Read, queried: boolean): boolean | undefined {
  if (query === 'none' && queried) return false
  if (depends || (queried && query !== 'any')) return undefined
  return query === 'none' || query === 'any' || Array.isArray(query) ? true : undefined
}

function formsOf(pattern: string): Form[] {
  const read = canonicalize(pattern)
  if (!read.ok) throw new Error(`a pattern of a rule must be a path: ${pattern}`)
  const { path, match } = read.value
  if (match === ALL || path === '/') return [formOf(path, match)]
  if (match.endsWith('/*')) return [formOf(path.slice(0, -2), match.slice(0, -2)), formOf(path, match)]
  if (match.endsWith('*')) return [formOf(path, match)]
  const shown = path.replace(/\/$/, '')
  return [formOf(shown, match), { ...formOf(`${shown}/`, match), sent: `${match}/` }]
}

function formOf(shown: string, match: string): Form {
  return { shown, sent: match, match: globOf(match) }
}

function selects(clients: readonly string[], group: readonly string[]): boolean {
  return clients.some((client) => group.includes(client))
}
