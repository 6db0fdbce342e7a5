/** Checks the vars of a lab as the Worker does, so that a wrong one is an error of the test and not a 503 in it. */
import { describeProblems, readConfig } from '../config/config.ts'
import { includeStripe } from '../config/stripe-plugin.ts'
import type { WorkerPlan } from '../testing/stack/plan.ts'

/** @throws with each problem that our own Worker would log. Somebody’s own may state its policy in code. */
export function mustBePolicy({ options, vars }: WorkerPlan, given: Readonly<Record<string, string>>): void {
  // The bundle of the lab has the rail.
  includeStripe(() => import('../rails/stripe/rail.ts'))
  const { durableObjects, d1Databases, workflows } = options
  const bindings = [durableObjects, d1Databases, workflows].flatMap((some) => Object.keys(some ?? {}))
  const read = readConfig({ ...Object.fromEntries(bindings.map((name) => [name, {}])), ...vars, ...given })
  if (!read.ok) throw new Error(`the policy of openLab is wrong:\n${describeProblems(read.problems)}`)
}
