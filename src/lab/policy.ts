/** Checks the vars of a lab as the Worker does, so that a wrong one is an error of the test and not a 503 in it. */
import { describeProblems, isVar, readConfig } from '../config/config.ts'
import { includeStripe } from '../config/stripe-plugin.ts'
import type { WorkerPlan } from '../testing/stack/plan.ts'

/**
 * `given`: the vars of the lab, with those of `policy`.
 * @throws with each problem that our own Worker would log, and RangeError for a var of `policy` that it does not read. Somebody’s
 * own Worker may read others, and state its policy in code.
 */
export function mustBePolicy(
  { options, vars }: WorkerPlan,
  given: Readonly<Record<string, string>>,
  policy: object = {},
): void {
  for (const name of Object.keys(policy))
    if (!isVar(name))
      throw new RangeError(`the policy of openLab must have vars of docs/policy.md, not ${name}`)
  // The bundle of the lab has the rail.
  includeStripe(() => import('../rails/stripe/rail.ts'))
  const { durableObjects, d1Databases, workflows } = options
  const bindings = [durableObjects, d1Databases, workflows].flatMap((some) => Object.keys(some ?? {}))
  const read = readConfig({ ...Object.fromEntries(bindings.map((name) => [name, {}])), ...vars, ...given })
  if (!read.ok) throw new Error(`the policy of openLab is wrong:\n${describeProblems(read.problems)}`)
}
