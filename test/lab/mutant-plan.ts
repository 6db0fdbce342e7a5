/** Workers of the lab with one guard removed, to show that a crawler sees what it is for. */
import type { WorkerPlan } from '../../src/testing/stack/plan.ts'

/** The same Worker with one text of its bundle replaced. @throws unless the text is there exactly once */
export function mutatedPlan(plan: WorkerPlan, from: RegExp, to: string): WorkerPlan {
  let found = 0
  const modules = plan.modules.map((module) => {
    if (module.type !== 'ESModule') return module
    const text = String(module.contents)
    found += [...text.matchAll(new RegExp(from, 'g'))].length
    return { ...module, contents: text.replace(from, to) }
  })
  if (found !== 1) throw new Error(`${from} must be in the bundle once, and is there ${found} times`)
  return { ...plan, modules }
}
