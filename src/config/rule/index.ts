/**
 * The one list of a rule's terms. A new term is a file here and a line in `TERMS`, its type in `../terms.ts` and its row in
 * docs/policy.md.
 */
import * as v from 'valibot'
import type { Action, Decision, Rule } from '../../paywall/policy.ts'
import type { Scope } from '../../paywall/rule-index.ts'
import type { ConfigProblem, Expected } from '../../platform/problem.ts'
import { isTable, onlyKeys } from '../../platform/schema.ts'
import { SCHEMES } from '../../schemes/index.ts'
import { age } from './age.ts'
import { country } from './country.ts'
import { final } from './final.ts'
import { free } from './free.ts'
import { method } from './method.ts'
import { passTerm } from './pass.ts'
import { path } from './path.ts'
import { max, min, price } from './price.ts'
import { query } from './query.ts'
import { recrawl } from './recrawl.ts'
import { schemes } from './schemes.ts'
import { steps } from './steps.ts'
import type { ConditionTerm, FactorTerm, RuleTable } from './term.ts'
import { verified } from './verified.ts'
import { who } from './who.ts'

const ACTIONS = ['charge', 'allow', 'block'] as const satisfies readonly Action[]

/** Every term but `action`, by its name. */
export const RULE_TERMS = {
  path,
  query,
  method,
  who,
  verified,
  country,
  age,
  price,
  min,
  max,
  final,
  free,
  recrawl,
  pass: passTerm,
  steps,
  schemes,
}

type AnyTerm = ConditionTerm<v.GenericSchema> | FactorTerm<v.GenericSchema>
type Schemas = { [Name in keyof typeof RULE_TERMS]: (typeof RULE_TERMS)[Name]['schema'] }

// Trap: a term takes what its own schema returns, which the type of a loop over all terms cannot say.
const TERMS = Object.entries(RULE_TERMS) as unknown as [keyof Schemas, AnyTerm][]
const schemas = Object.fromEntries(TERMS.map(([name, { schema }]) => [name, schema])) as Schemas
/** The action stands between conditions and factors, in messages too. */
const NAMES: readonly string[] = [...namesOf('condition'), 'action', ...namesOf('factor')]

/** How each term must look, by its place. */
export const RULE_EXPECTED: Readonly<Record<string, Expected>> = {
  'RULES.action': { want: '"charge", "allow" or "block"', example: '"charge"' },
  ...Object.fromEntries(TERMS.map(([name, { want, example }]) => [`RULES.${name}`, { want, example }])),
}

/** One rule as it is written. Reports every problem of the rule at once. */
export const rule = v.pipe(
  v.looseObject({ ...schemas, action: v.picklist(ACTIONS) }, 'must be a table with an action'),
  onlyKeys(NAMES),
  v.rawCheck(({ dataset, addIssue }) => {
    const input: unknown = dataset.value
    if (!isTable(input)) return
    const action = ACTIONS.find((one) => one === input.action)
    if (!action) return
    for (const [key, term] of TERMS) {
      const value = input[key]
      const message = value === undefined ? undefined : misuseOf(term, value, action, input)
      if (message) addIssue({ message, path: [{ type: 'object', origin: 'value', input, key, value }] })
    }
  }),
)

function namesOf(kind: AnyTerm['kind']): string[] {
  return TERMS.filter(([, term]) => term.kind === kind).map(([name]) => name)
}

function misuseOf(term: AnyTerm, written: unknown, action: Action, rule: RuleTable): string | undefined {
  if (term.kind === 'factor' && !term.actions.includes(action))
    return `must be removed: only action ${term.actions.map((name) => `"${name}"`).join(' or ')} uses it`
  return term.misuse?.(written, action, rule)
}

/** The risks of valid rules, for their operator. */
export function ruleCautions(rules: readonly Rule[]): ConfigProblem[] {
  return rules.flatMap(({ written, decision: { action, rule: at } }) =>
    TERMS.flatMap(([name, term]) => {
      const message = typeof at === 'number' ? term.caution?.(written[name], action) : undefined
      return message ? [{ place: `RULES[${at}].${name}`, message }] : []
    }),
  )
}

type Read = v.InferOutput<typeof rule>

/**
 * Compiles a rule. `place` names it, and `title` does in its text. `fallback` has what a charge is without terms of its own.
 * An isolate holds 100,000 rules, so a rule has one function of its own at most, and no list is longer than it must be.
 */
export function compileRule(
  read: Read,
  { place, title }: { place: Decision['rule']; title: string },
  fallback: Decision,
): Rule {
  const { action } = read
  const phrases = TERMS.filter(([name]) => name !== 'who').map(([name, term]) =>
    term.describe?.(read[name], action),
  )
  const factors = TERMS.map(([name, term]) =>
    read[name] === undefined ? {} : (term.carry?.(read[name], action) ?? {}),
  )
  const conditions = TERMS.map(([name, term]) =>
    term.kind === 'condition' ? term.compile(read[name], action) : undefined,
  )
  const free = action !== 'charge'
  return new CompiledRule(read, {
    conditions: exact(conditions.filter((condition) => condition !== undefined)),
    decision: {
      action,
      price: free ? 0n : fallback.price,
      schemes: free ? NO_SCHEMES : schemesFor(read, fallback),
      rule: place,
      why: [`${title}: ${action} ${who.describe?.(read.who, action)}`, ...phrases]
        .filter((phrase) => phrase !== undefined)
        .join(' '),
      ...Object.assign({}, ...factors),
    },
  })
}

const NO_SCHEMES: Decision['schemes'] = []

class CompiledRule implements Rule {
  readonly conditions: Rule['conditions']
  readonly decision: Decision
  readonly written: Rule['written']

  constructor(read: Read, { conditions, decision }: Pick<Rule, 'conditions' | 'decision'>) {
    this.conditions = conditions
    this.decision = decision
    const { action: _, path, who, ...others } = read
    this.written = { path, who: exact(who), ...others }
  }

  /** Made when it is asked for: the search among few rules needs none. */
  get scope(): Scope {
    const { written } = this
    const scopes = TERMS.map(([name, term]) =>
      term.kind === 'condition' ? term.scope?.(written[name]) : undefined,
    )
    return Object.assign({}, ...scopes)
  }
}

/** Trap: a list that grew by `push` or `filter` has room for 17 items. A copy has not. */
function exact<Item>(list: readonly Item[]): readonly Item[] {
  return list.slice()
}

/** A rule without schemes of its own has those of the site that it can use. */
function schemesFor({ final }: Read, { schemes }: Decision): Decision['schemes'] {
  return final === undefined ? schemes : schemes.filter((name) => SCHEMES[name].lowers)
}
