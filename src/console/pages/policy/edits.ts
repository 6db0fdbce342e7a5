/** The changes that the forms of the policy editor make in a site's document, and the field of each fault. Pure. */
import type { Problem, SiteDocumentBody as SiteDocument } from '../../answers.ts'
import type { Typed } from '../../parts/form.tsx'
import { lineAt, lineCount } from './json-lines.ts'

/** One rule as its document states it. */
export type DraftRule = Readonly<Record<string, unknown>>

/** The faults of a form by field. `form` has those that belong to none of its fields. */
export type Faults = Readonly<Record<string, string>>

/** A document that a form makes, or why it makes none. */
export type Edited = { ok: true; document: SiteDocument } | { ok: false; faults: Faults }

/** The rules of a document's own. A document may hold them as JSON text; null where it leaves them to the deployment. */
export function rulesOf({ terms: { RULES } }: SiteDocument): DraftRule[] | null {
  if (RULES === undefined) return null
  const rules = typeof RULES === 'string' ? parsed(RULES) : RULES
  return Array.isArray(rules) ? (rules as DraftRule[]) : []
}

/** The rules after one was moved `up` or `down`, or was removed. */
export function reordered(rules: readonly DraftRule[], act: string | undefined, at: number): DraftRule[] {
  const rule = rules[at]
  if (!rule) return [...rules]
  const rest = rules.toSpliced(at, 1)
  if (act === 'up') return rest.toSpliced(at === 0 ? 0 : at - 1, 0, rule)
  if (act === 'down') return rest.toSpliced(at + 1, 0, rule)
  return act === 'remove' ? rest : [...rules]
}

/** The terms of a rule that have a field of their own. `more` has all others. */
const FIELDS = ['action', 'path', 'who', 'price', 'schemes'] as const
const LISTS: ReadonlySet<string> = new Set(['who', 'schemes'])

/** A rule as the fields of its form. */
export function fieldsOf(rule: DraftRule): Typed {
  const more = Object.entries(rule).filter(([name]) => !FIELDS.some((field) => field === name))
  return {
    ...Object.fromEntries(FIELDS.map((name) => [name, wordsOf(rule[name])])),
    more: more.length === 0 ? '' : JSON.stringify(Object.fromEntries(more), null, 1),
  }
}

/** A term as a line to read: `training, GPTBot`. */
export function wordsOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/** The other terms of a rule in one line: `country DE, query none`. */
export function moreOf(rule: DraftRule): string {
  return Object.entries(rule)
    .filter(([name]) => !FIELDS.some((field) => field === name))
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(', ')
}

/**
 * The document that a form would save. `kind` names the form: `text` is all of it, `rule` one rule (`at`, or `new`),
 * `default` what holds where no rule does, `move` another order.
 */
export function edited(document: SiteDocument, typed: Typed): Edited {
  switch (typed.kind) {
    case 'text':
      return fromText(document, typed.text ?? '')
    case 'rule':
      return withRule(document, typed)
    case 'default':
      return withTerms(document, { PRICE: trimmed(typed.PRICE), PRESET: trimmed(typed.PRESET) })
    default: {
      const [act, at] = (typed.act ?? '').split(' ')
      return withTerms(document, { RULES: reordered(rulesOf(document) ?? [], act, Number(at)) })
    }
  }
}

function fromText({ id }: SiteDocument, text: string): Edited {
  const [value, fault] = readJson(text)
  if (fault !== undefined) return { ok: false, faults: { text: fault } }
  if (!isTable(value)) return { ok: false, faults: { text: 'must be one JSON object, such as {"id": …}' } }
  if (value.id !== undefined && value.id !== id)
    return { ok: false, faults: { text: `id must be "${id}": it never changes` } }
  return { ok: true, document: { ...value, id } as SiteDocument }
}

function withRule(document: SiteDocument, typed: Typed): Edited {
  const [more = {}, fault] = typed.more?.trim() ? readJson(typed.more) : []
  if (fault !== undefined) return { ok: false, faults: { more: fault } }
  if (!isTable(more))
    return { ok: false, faults: { more: 'must be one JSON object, such as {"query": "any"}' } }
  const rules = rulesOf(document) ?? []
  const at = placeOf(typed, rules.length)
  const before = rules[at] ?? {}
  const fields = FIELDS.flatMap((name) => {
    const text = trimmed(typed[name])
    if (text === undefined) return []
    // Terms that were not changed keep their spelling, so that a diff shows none of them.
    if (text === wordsOf(before[name])) return [[name, before[name]] as const]
    return [[name, LISTS.has(name) ? text.split(/[\s,]+/).filter(Boolean) : text] as const]
  })
  return withTerms(document, { RULES: rules.toSpliced(at, 1, { ...Object.fromEntries(fields), ...more }) })
}

function placeOf({ at }: Typed, length: number): number {
  return at !== undefined && /^\d{1,5}$/.test(at) && Number(at) < length ? Number(at) : length
}

/** Undefined removes a term. */
function withTerms(document: SiteDocument, changes: Record<string, unknown>): Edited {
  const terms = Object.entries({ ...document.terms, ...changes }).filter(([, value]) => value !== undefined)
  return { ok: true, document: { ...document, terms: Object.fromEntries(terms) } }
}

function trimmed(text = ''): string | undefined {
  return text.trim() === '' ? undefined : text.trim()
}

/** The faults that the API found in a document, at the fields of the form that made it. */
export function faultsAt(errors: Problem['errors'] = [], typed: Typed, document: SiteDocument): Faults {
  const faults = new Map<string, string[]>()
  for (const { path, message, expected } of errors) {
    const [field, about] = fieldAt(path, typed, document)
    const text = `${about}${message}${expected === '' ? '' : `. Example: ${expected}`}`
    faults.set(field, [...(faults.get(field) ?? []), text])
  }
  return Object.fromEntries([...faults].map(([field, texts]) => [field, [...new Set(texts)].join('\n')]))
}

/** The field where a fault belongs, and the words before it. */
function fieldAt(path: string, typed: Typed, document: SiteDocument): [field: string, about: string] {
  if (typed.kind === 'text') {
    const line = lineAt(typed.text ?? '', path)
    return ['text', `${line === undefined ? '' : `line ${line}: `}${path} `]
  }
  if (typed.kind === 'default') {
    const name = path.replace('terms.', '')
    return name === 'PRICE' || name === 'PRESET' ? [name, ''] : ['form', `${path} `]
  }
  const at = placeOf(typed, (rulesOf(document) ?? []).length)
  const own = `terms.RULES[${at}]`
  if (typed.kind !== 'rule' || (path !== own && !path.startsWith(`${own}.`))) return ['form', `${path} `]
  const [term = ''] = path.slice(own.length + 1).split(/[.[]/)
  if (FIELDS.some((field) => field === term)) return [term, '']
  return term === '' ? ['action', ''] : ['more', `${term} `]
}

/** The faults of each rule of a document, by its place. */
export function faultsByRule(errors: Problem['errors'] = []): ReadonlyMap<number, string[]> {
  const found = new Map<number, string[]>()
  for (const { path, message } of errors) {
    const [, at, rest = ''] = /^terms\.RULES\[(\d+)\]\.?(.*)$/.exec(path) ?? []
    if (at === undefined) continue
    found.set(Number(at), [...(found.get(Number(at)) ?? []), `${rest} ${message}`.trim()])
  }
  return found
}

/** Compares a rule with the published ones: `new`, `changed` or the same (null). */
export function noveltyOf(rule: DraftRule, published: readonly DraftRule[]): 'new' | 'changed' | null {
  const text = JSON.stringify(rule)
  if (published.some((one) => JSON.stringify(one) === text)) return null
  const covers = ({ path, who }: DraftRule) => JSON.stringify([path, who])
  return published.some((one) => covers(one) === covers(rule)) ? 'changed' : 'new'
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of a text, or the fault with its line. The message of the parser would quote what was typed. */
function readJson(text: string): [value: unknown, fault?: string] {
  try {
    return [JSON.parse(text)]
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    const [, position] = /position (\d+)/.exec(cause.message) ?? []
    const line = position === undefined ? lineCount(text) : lineCount(text.slice(0, Number(position)))
    return [undefined, `line ${line}: must be JSON. Check quotes, commas and braces`]
  }
}

function parsed(text: string): unknown {
  const [value] = readJson(text)
  return value
}
