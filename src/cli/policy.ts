/** The policy of a deployment for a trial: before a wallet is named, it may be without one. */
import { POLICY_TERMS, parsePolicy } from '../config/policy.ts'
import type { Policy } from '../paywall/policy.ts'
import { describeProblems } from '../platform/problem.ts'
import { CommandError } from './command.ts'
import type { DeploymentSettings } from './settings.ts'

/** Takes the place of a RECEIVER that is not set: no decision depends on it. */
const NO_RECEIVER = `0x${'11'.repeat(20)}`

/**
 * The policy in the settings that `file` states.
 * @throws CommandError with all problems of the policy
 */
export function policyOf({ env }: DeploymentSettings, file: string): Policy {
  const terms = Object.fromEntries(
    POLICY_TERMS.filter((name) => name in env).map((name) => [name, env[name]]),
  )
  const { RECEIVER = '' } = terms
  const isUnset = typeof RECEIVER === 'string' && /^(?:0x0*)?$/.test(RECEIVER)
  const read = parsePolicy({ ...terms, ...(isUnset && { RECEIVER: NO_RECEIVER }) })
  if (!read.ok)
    throw new CommandError(`${file} must state a valid policy:\n${describeProblems(read.problems)}`)
  return read.policy
}
