/** Nights pass by moving the clock: the cron is fired for the midnight in question, and the settlement run takes that for now. */
import type { StackFacts } from '../../testing/stack/stack.ts'
import type { OperatorBook, Run } from './books.ts'

export const DAY = 86_400_000
const PATIENCE_MS = 60_000

/** The midnight (UTC, Unix ms) that ends the day. */
export function nextMidnight(now: number): number {
  return (Math.floor(now / DAY) + 1) * DAY
}

/** Fires the nightly cron for a midnight and waits until its run has ended. */
export async function passNight(
  { scheduled }: StackFacts,
  operator: OperatorBook,
  midnight: number,
): Promise<Run> {
  const fired = await fetch(`${scheduled}&time=${midnight}`)
  if (!fired.ok) throw new Error(`the cron failed: ${fired.status} ${await fired.text()}`)
  const id = `settle-${new Date(midnight).toISOString().slice(0, 19).replace(/[-:]/g, '')}`
  for (const began = performance.now(); performance.now() - began < PATIENCE_MS; ) {
    const run = (await operator.runs()).find((one) => one.id === id)
    if (run && run.status !== 'running') return run
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`the run ${id} did not end`)
}
