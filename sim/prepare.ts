/** Makes a process or thread ready for runs. */
import { install } from './platform/globals.ts'

/** Loads all modules, then takes the place of the globals. `frames`: how many lines of a stack are kept; viem makes an error for each request. */
export async function prepare(frames = 0): Promise<void> {
  Error.stackTraceLimit = frames
  if (isPrepared) return
  isPrepared = true
  const { loadCode } = await import('./code.ts')
  await loadCode()
  prepareGlobals()
}

let isPrepared = false

/** Takes the place of the globals. A rejection without a handler ends no run: in workerd it is a line in the log. */
export function prepareGlobals(): void {
  // Node writes its warnings, with the number of the process, by the console of the run.
  process.removeAllListeners('warning')
  install()
  process.on('unhandledRejection', () => {})
}
