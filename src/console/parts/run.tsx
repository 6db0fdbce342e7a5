/** The words of runs: their names, their states and their sums. */
import type { RunBody as Run } from '../answers.ts'
import { Badge, type Mood } from './badges.tsx'
import { dollars } from './figures.tsx'

/** The kinds of runs as pages name them. */
export const RUN_NAMES: Readonly<Record<Run['kind'], string>> = {
  settlement: 'Settlement',
  billing: 'Billing',
  shadow: 'Shadow mode',
  watch: 'Watch',
}

/** The states of runs: how serious, and the word. */
export const RUN_STATES: Readonly<Record<Run['status'], readonly [Mood, string]>> = {
  running: ['plain', 'Running'],
  settled: ['good', 'Settled'],
  in_doubt: ['warn', 'In doubt'],
  failed: ['bad', 'Failed'],
  abandoned: ['bad', 'Abandoned'],
}

/** The state of a run as a badge. */
export function RunState({ of: { status } }: { of: Pick<Run, 'status'> }) {
  const [mood, text] = RUN_STATES[status]
  return <Badge mood={mood}>{text}</Badge>
}

/** `1 channel` of one of the `channels`, and `2 channels`. */
export function counted(count: number, nouns: string): string {
  return `${count} ${count === 1 ? nouns.slice(0, -1) : nouns}`
}

/**
 * The sums of a run's record by their place in it, in the order of the page: the words, and the unit. `usd`: micro-dollars as a
 * decimal string, `text`: words. Any other unit is a noun in the plural, and counts it.
 */
const SUMS: Readonly<Record<string, readonly [title: string, unit: string]>> = {
  startedBy: ['Started by', 'text'],
  fault: ['Failed with', 'text'],
  claimed: ['Claimed from channels', 'usd'],
  swept: ['Swept to receivers', 'usd'],
  healed: ['Claimed before, and recorded by this run', 'usd'],
  open: ['Channels with a deposit or refund under way', 'channels'],
  withdrawing: ['Payers that withdraw', 'payers'],
  'sums.channels': ['Compared with the chain', 'channels'],
  'sums.authorized': ['Authorized on channels', 'usd'],
  'sums.charged': ['Charged on channels', 'usd'],
  'sums.redeemed': ['Redeemed on channels', 'usd'],
  'sums.credit': ['Balance of payers on channels', 'usd'],
  'sums.ceiling': ['Escrow of channels', 'usd'],
  'exact.payers': ['Compared by exact', 'payers'],
  'exact.payments': ['Payments by exact', 'payments'],
  'exact.received': ['Received by exact', 'usd'],
  'exact.inDoubt': ['Payments by exact in doubt', 'payments'],
  'exact.undelivered': ['Payments by exact without a delivery', 'payments'],
  'dust.count': ['Claims not worth their gas yet', 'channels'],
  'dust.amount': ['Left on them', 'usd'],
  'quarantined.accounts': ['Left in quarantine', 'channels'],
  'quarantined.count': ['Put into quarantine by this run', 'channels'],
  'bill.lines': ['Credit lines billed', 'lines'],
  'bill.statements': ['Statements issued', 'statements'],
  'bill.stated': ['Charged in these statements', 'usd'],
  'bill.invoices': ['Invoices issued', 'invoices'],
  'bill.invoiced': ['Invoiced without VAT', 'usd'],
  'bill.received': ['Received for invoices, with VAT', 'usd'],
  'bill.steps': ['Dunning steps', 'steps'],
  'shadow.day': ['Day of shadow mode', 'text'],
  'shadow.total.requests': ['Asked for in shadow mode', 'requests'],
  'shadow.total.pages': ['Would have been charged', 'pages'],
  'shadow.total.asked': ['Would have been asked', 'usd'],
}

const STARTERS: Readonly<Record<string, string>> = { cron: 'The cron trigger', operator: 'An operator' }

/** The sums that a record has, in plain words with their units. A sum without words is left out; the API has it. */
export function sumsIn(record: Run['record']): (readonly [title: string, value: string])[] {
  return Object.entries(SUMS).flatMap(([place, [title, unit]]) => {
    const value = place.split('.').reduce<unknown>(memberOf, record)
    if (typeof value !== 'string' && typeof value !== 'number') return []
    if (unit === 'usd') return [[title, dollars(BigInt(value))] as const]
    if (unit === 'text') return [[title, STARTERS[value] ?? String(value)] as const]
    return [[title, counted(Number(value), unit)] as const]
  })
}

function memberOf(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : undefined
}
