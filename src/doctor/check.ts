/** Checks of a deployment: what each one is, and how a list of them is gone through. */

/** `ok`: it works. `warn`: it should be looked at. `fail`: something does not work, or is not safe. */
export type CheckOutcome = 'ok' | 'warn' | 'fail'

/** The outcome of a check, and its reason. `fix`: the command or the line that mends it; null where it is well, or a reader must decide. */
export type CheckResult = { outcome: CheckOutcome; reason: string; fix: string | null }

/** A finding with the check that made it, as JSON, the command line and the console show it. */
export type Check = CheckResult & { id: string; title: string }

/** One check. `look` gets its ports, and returns null where the check does not apply. */
export type Probe<Ports> = {
  id: string
  /** A sentence that holds if all is well. */
  title: string
  look(ports: Ports): CheckResult | null | Promise<CheckResult | null>
}

/** The longest that one check may take. Beyond it the check is a warning. Milliseconds. */
export const MAX_CHECK_MS = 20_000

/** All is well. */
export function ok(reason: string): CheckResult {
  return { outcome: 'ok', reason, fix: null }
}

/** Something should be looked at. */
export function warn(reason: string, fix: string | null = null): CheckResult {
  return { outcome: 'warn', reason, fix }
}

/** Something does not work, or is not safe. */
export function fail(reason: string, fix: string | null = null): CheckResult {
  return { outcome: 'fail', reason, fix }
}

/**
 * Goes through a list of checks at once, and returns their findings in its order. A check that throws or takes too long is a
 * warning: its subject is unknown, and the others count. `wait` settles after so many milliseconds.
 */
export async function examine<Ports>(
  probes: readonly Probe<Ports>[],
  ports: Ports,
  wait: (ms: number) => Promise<void>,
): Promise<Check[]> {
  const late = wait(MAX_CHECK_MS).then(() => warn(`The check must answer within ${MAX_CHECK_MS / 1000} s.`))
  const found = await Promise.all(
    probes.map(async ({ id, title, look }) => {
      // Trap: the message of an exception may quote a secret, such as the URL of a node.
      const looked = Promise.resolve(ports)
        .then(look)
        .catch(() => warn('It could not be read now.'))
      const finding = await Promise.race([looked, late])
      return finding && { id, title, ...finding }
    }),
  )
  return found.filter((check) => check !== null)
}

/** The worst outcome of some checks. */
export function worst(checks: readonly { outcome: CheckOutcome }[]): CheckOutcome {
  const has = (outcome: CheckOutcome) => checks.some((check) => check.outcome === outcome)
  return has('fail') ? 'fail' : has('warn') ? 'warn' : 'ok'
}
