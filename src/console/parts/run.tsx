/** The names and the states of runs. */
import type { RunBody as Run } from '../answers.ts'
import { Badge, type Mood } from './badges.tsx'

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
