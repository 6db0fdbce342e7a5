/** Keeps the traces that tests provoke on purpose out of a green run. A run that fails shows them at its end. */
import type { Reporter } from 'vitest/node'

/** The aborts and faults that tests cause, as the runtime reports them. */
const PROVOKED = [
  'aborts before the write',
  'aborts after the write, before it is durable',
  'aborts once the write is durable',
  'fails to write',
  'killed by the test',
  'jsg.Error: aborts',
  'jsg.Error: aborted',
  'jsg.Error: reset',
  'Engine was never started',
  '(instance.already_exists)',
  'Error: instance.not_found',
  // The node or the origin that a test takes away.
  'Network connection lost',
  'Connection refused',
  'failed to lookup address information',
  'internal error; reference = ',
  // Stripe ships source maps without their sources.
  'points to missing source files',
  'does not appear to be text',
]

type Write = typeof process.stderr.write

/** One of vitest's reporters: it prints nothing itself unless the run failed. */
export class Quiet implements Reporter {
  readonly #held: string[] = []
  readonly #restore: (() => void)[] = []

  onInit(): void {
    for (const stream of [process.stdout, process.stderr]) {
      const write = stream.write
      stream.write = ((chunk: Uint8Array | string, ...rest: never[]) => {
        if (typeof chunk !== 'string' || !isProvoked(chunk))
          return Reflect.apply(write, stream, [chunk, ...rest])
        this.#held.push(chunk)
        return true
      }) as Write
      this.#restore.push(() => {
        stream.write = write
      })
    }
  }

  onTestRunEnd(_modules: unknown, _errors: unknown, reason: string): void {
    for (const restore of this.#restore.splice(0)) restore()
    if (reason !== 'passed') process.stderr.write(this.#held.join(''))
    this.#held.length = 0
  }
}

/** Only what the runtime itself says is held: never a line of vitest's. */
function isProvoked(text: string): boolean {
  const ofRuntime = /^(?:uncaught exception;|console warning;|(?:e|exception) = |Sourcemap for )/.test(text)
  return ofRuntime && PROVOKED.some((reason) => text.includes(reason))
}
