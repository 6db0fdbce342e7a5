/** The policy of a deployment for a trial: before a wallet is named, it may be without one. */

import { POLICY_TERMS, parsePolicy } from '../config/policy.ts'
import { describeProblems } from '../config/problem.ts'
import type { Policy } from '../paywall/policy.ts'
import { CommandError } from './command.ts'
import { readSettings } from './settings.ts'

/** Takes the place of a RECEIVER that is not set: no decision depends on it. */
const NO_RECEIVER = `0x${'11'.repeat(20)}`

/**
 * Reads the policy of a deployment.
 * @throws UsageError if the file is missing, CommandError with all problems of the policy
 */
export async function readPolicy(file: string, env: string | undefined): Promise<Policy> {
  const { env: vars } = await readSettings(file, env, '--policy')
  const terms = Object.fromEntries(
    POLICY_TERMS.filter((name) => name in vars).map((name) => [name, vars[name]]),
  )
  const { RECEIVER = '' } = terms
  const isUnset = typeof RECEIVER === 'string' && /^(?:0x0*)?$/.test(RECEIVER)
  const read = parsePolicy({ ...terms, ...(isUnset && { RECEIVER: NO_RECEIVER }) })
  if (!read.ok) throw new CommandError(`${file} must be a valid policy:\n${describeProblems(read.problems)}`)
  return read.policy
}
