/** The deployment that every step of `tab402 init` works on. */
import type { Wrangler } from '../wrangler.ts'
import type { Answers } from './answers.ts'
import type { NodeReader } from './chain.ts'
import type { Prompt } from './prompt.ts'
import type { InitState, StateStore } from './state.ts'

/** The configs of both Workers, in the folder of the deployment. */
export const [EDGE, CONSOLE] = ['wrangler.toml', 'wrangler.console.toml'] as const

/** One deployment on its way. Secrets are in memory alone. */
export type InitRun = {
  cwd: string
  answers: Answers
  state: InitState
  store: StateStore
  wrangler: Wrangler
  node: NodeReader
  rpcUrl: string
  prompt: Prompt
  /** Secrets of the environment: they take the place of those that would be made. */
  own: { relayerKey?: string | undefined; token?: string | undefined; payerKey?: string | undefined }
  /** A line for the person at the terminal. */
  say(line: string): void
  /** Settles after so many milliseconds. */
  wait(ms: number): Promise<void>
  now(): number
}

/** One step. `isRead`: it changes nothing, so a dry run does it too. Steps can be repeated. */
export type InitStep = {
  id: string
  /** Its effect, as a dry run prints it. */
  title(deployment: InitRun): string
  isRead?: boolean
  run(deployment: InitRun): Promise<void>
}

/** Stores that a step need not be done again. */
export async function markDone({ state, store }: InitRun, id: string): Promise<void> {
  if (!state.done.includes(id)) state.done.push(id)
  await store.write(state)
}

/** How often something outside is asked for again, and how long in all. A next run goes on waiting. Milliseconds. */
export const [POLL_MS, MAX_WAIT_MS] = [1_000, 15 * 60_000] as const

/** Asks until it holds. Returns false after 15 minutes. */
export async function waitFor(
  { wait, now }: Pick<InitRun, 'wait' | 'now'>,
  holds: () => Promise<boolean>,
): Promise<boolean> {
  const until = now() + MAX_WAIT_MS
  while (!(await holds())) {
    if (now() >= until) return false
    await wait(POLL_MS)
  }
  return true
}
