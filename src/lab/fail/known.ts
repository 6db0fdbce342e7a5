/** The faults of each part by their names, so that a misspelled one is rejected. */
import { inspect } from 'node:util'
import { anyOf, KINDS, type Members, mustKnow } from '../known.ts'
import type { Fail } from './fail.ts'

/** A part of the lab that can fail. */
export type Part = Exclude<keyof Fail, 'mend'>

const { AMOUNT, COUNT, SPAN, TEXT } = KINDS

const SLOW: Members = { slow: SPAN }
const NONE: Members = {}
const TIMES: Members = { times: COUNT }

/** The faults of one part, and the options of its call. */
type Faults = { words: readonly unknown[]; members: Members; options: Members }

const FAULTS: Readonly<Record<Part, Faults>> = {
  facilitator: {
    words: ['dead', '503', 'refuses', 'settles, then dies', 'claims success'],
    members: SLOW,
    options: TIMES,
  },
  rpc: {
    words: [],
    members: {
      stale: COUNT,
      chainId: COUNT,
      deadFor: SPAN,
      answers: ['nothing', '429', 'half JSON'],
      loses: ['replies', 'calls'],
      delays: SPAN,
      receipts: ['vanished'],
    },
    options: TIMES,
  },
  chain: {
    words: [],
    members: {
      reorg: COUNT,
      mining: ['stopped'],
      baseFee: AMOUNT,
      drop: ['pending transactions'],
      relayer: ['empty', 'sends a transaction of its own'],
    },
    options: NONE,
  },
  origin: {
    words: ['dead', '503', 'short', 'hangs', 'redirects'],
    members: { ...SLOW, pauses: SPAN },
    options: TIMES,
  },
  stripe: {
    words: ['lost', 'unreachable', 500, 429],
    members: NONE,
    options: { ...TIMES, of: { must: 'a RegExp', has: (value) => value instanceof RegExp } },
  },
  webhooks: { words: ['lost', 'twice', 'unordered', 'late'], members: NONE, options: NONE },
  d1: { words: ['down', 'loses writes'], members: SLOW, options: TIMES },
  cron: { words: ['missed', 'doubled', 'overlapping'], members: { late: SPAN }, options: TIMES },
  worker: { words: ['killed', 'evicted'], members: { aborts: TEXT }, options: NONE },
}

/** Faults of the node that happen to one method of JSON-RPC, such as `eth_sendRawTransaction`. */
const OF_METHOD: readonly string[] = ['loses', 'delays']

/** @throws RangeError for a fault that its part does not have. A list of faults of the node is not checked. */
export function mustBeFault(part: Part, fault: unknown, options: object = {}): void {
  const { words, members, options: taken } = FAULTS[part]
  mustKnow(`the options of fail.${part}`, options, taken)
  if (words.includes(fault) || (part === 'rpc' && Array.isArray(fault))) return
  const names = typeof fault === 'object' && fault !== null && !Array.isArray(fault) ? Object.keys(fault) : []
  const kinds = part === 'rpc' ? names.filter((name) => name !== 'of') : names
  const isOfMethod = part === 'rpc' && OF_METHOD.includes(kinds[0] ?? '')
  if (kinds.length === 1 && (names.length === 2) === isOfMethod) {
    mustKnow(`fail.${part}`, fault, isOfMethod ? { ...members, of: TEXT } : members)
    return
  }
  const forms = Object.keys(members).map((one) => (OF_METHOD.includes(one) ? `{ ${one}, of }` : `{ ${one} }`))
  const choices = [...(words.length > 0 ? [anyOf(words)] : []), ...forms]
  throw new RangeError(`fail.${part} must be given ${choices.join(' or ')}, not ${inspect(fault)}`)
}
