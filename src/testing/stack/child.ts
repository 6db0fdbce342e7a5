/** A program started beside ours that never outlives us, even when we are killed with no chance to stop it. */
import { fork } from 'node:child_process'
import * as v from 'valibot'
import { siblingModule } from './sibling.ts'

/**
 * The command of a guardian. `graceMs`: from SIGTERM, in which the child may write its state, to SIGKILL. `scratch`: a folder that
 * is removed when the child has ended.
 */
const Mandate = v.object({
  command: v.string(),
  args: v.array(v.string()),
  graceMs: v.number(),
  scratch: v.optional(v.string()),
})

const GuardianReport = v.variant('kind', [
  v.object({ kind: v.literal('started'), pid: v.number() }),
  v.object({ kind: v.literal('output'), text: v.string() }),
  v.object({ kind: v.literal('ended'), code: v.nullable(v.number()), signal: v.nullable(v.string()) }),
])

/** A message from a guardian to its starter. */
export type GuardianReport = v.InferOutput<typeof GuardianReport>

export type Child = {
  /** The program's own process id, for tests that kill it. */
  pid: number
  /** Both streams of the program: what it lately printed at once, then all else as it comes. */
  onOutput(listener: (text: string) => void): void
  /** Settles when the program is gone, however it went. */
  ended: Promise<void>
  /** Asks the program to end, kills it when it takes longer than its grace, and waits until it is gone. */
  stop(): Promise<void>
}

/**
 * Starts a program under a guardian of its own; throws with what it printed when it does not start. `scratch`: a folder that is
 * removed when the program has ended, also after we were killed.
 */
export async function startChild(
  command: string,
  args: string[],
  graceMs = 5_000,
  scratch?: string,
): Promise<Child> {
  const mandate = JSON.stringify({ command, args, graceMs, scratch })
  // Its own process group: a Ctrl-C in the terminal reaches us alone, and we stop our children in our own order.
  const guardian = fork(siblingModule(import.meta.url, './guardian'), [mandate], {
    detached: true,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = new Promise<void>((resolve) => guardian.once('exit', () => resolve()))
  const listeners: ((text: string) => void)[] = []
  let printed = ''
  const pid = await new Promise<number>((resolve, reject) => {
    guardian.once('error', reject)
    guardian.once('exit', () => reject(new Error(`${command} did not start: ${printed}`)))
    guardian.on('message', (message) => {
      const report = v.parse(GuardianReport, message)
      if (report.kind === 'started') resolve(report.pid)
      if (report.kind !== 'output') return
      printed = (printed + report.text).slice(-8_000)
      for (const listener of listeners) listener(report.text)
    })
  })
  return {
    pid,
    onOutput(listener) {
      if (printed !== '') listener(printed)
      listeners.push(listener)
    },
    ended,
    async stop() {
      if (guardian.connected) guardian.disconnect()
      await ended
    },
  }
}

/** Reads what {@link startChild} wrote for its guardian. */
export function readMandate(text: string | undefined): v.InferOutput<typeof Mandate> {
  return v.parse(Mandate, JSON.parse(text ?? ''))
}
