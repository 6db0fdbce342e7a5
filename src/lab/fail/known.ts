/** The faults of each part by their names, so that a misspelled one is rejected. */
import { anyOf, type Members, mustKnow } from '../known.ts'
import type { Fail } from './fail.ts'

/** A part of the lab that can fail. */
export type Part = Exclude<keyof Fail, 'mend'>

const SLOW: Members = { slow: null }
const NONE: Members = {}

const FAULTS: Readonly<Record<Part, { words: readonly unknown[]; members: Members }>> = {
  facilitator: {
    words: ['dead', '503', 'refuses', 'settles, then dies', 'claims success'],
    members: SLOW,
  },
  rpc: {
    words: [],
    members: {
      stale: null,
      chainId: null,
      deadFor: null,
      answers: ['nothing', '429', 'half JSON'],
      loses: ['replies', 'calls'],
      delays: null,
      of: null,
      receipts: ['vanished'],
    },
  },
  chain: {
    words: [],
    members: {
      reorg: null,
      mining: ['stopped'],
      baseFee: null,
      drop: ['pending transactions'],
      relayer: ['empty', 'sends a transaction of its own'],
    },
  },
  origin: {
    words: ['dead', '503', 'short', 'hangs', 'redirects'],
    members: { ...SLOW, pauses: null },
  },
  stripe: { words: ['lost', 'unreachable', 500, 429], members: NONE },
  webhooks: { words: ['lost', 'twice', 'unordered', 'late'], members: NONE },
  d1: { words: ['down', 'loses writes'], members: SLOW },
  cron: { words: ['missed', 'doubled', 'overlapping'], members: { late: null } },
  worker: { words: ['killed', 'evicted'], members: { aborts: null } },
}

/** The options of a fault. */
const OPTIONS: Members = { times: null, of: null }

/** @throws RangeError for a fault that its part does not have. A list of faults of the node is not checked. */
export function mustBeFault(part: Part, fault: unknown, options: object = {}): void {
  mustKnow(`fail.${part}`, options, OPTIONS)
  const { words, members } = FAULTS[part]
  if (words.includes(fault) || Array.isArray(fault)) return
  if (typeof fault === 'object' && fault !== null && Object.keys(fault).length > 0) {
    mustKnow(`fail.${part}`, fault, members)
    return
  }
  const forms = Object.keys(members).map((name) => `{ ${name} }`)
  const choices = [...(words.length > 0 ? [anyOf(words)] : []), ...forms]
  throw new RangeError(`fail.${part} must be given ${choices.join(' or ')}, not ${String(fault)}`)
}
