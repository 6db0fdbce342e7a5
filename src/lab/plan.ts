/** The Worker of the lab: a production Worker behind the lab’s clock, bundled here or when the package was built. */
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadPlan, planWorker, type WorkerPlan } from '../testing/stack/plan.ts'
import { siblingModule } from '../testing/stack/sibling.ts'
import { ROOT } from '../testing/stack/workerd.ts'

/** Where the package has the bundle of our own Worker. */
export const PREBUILT_WORKER = fileURLToPath(new URL('../lab-worker', import.meta.url))

/** `config`: somebody’s own `wrangler.toml`; our own Worker without it. */
export async function labPlan(config?: string): Promise<WorkerPlan> {
  if (config !== undefined) return planWorker({ config: resolve(config), wrap })
  return (await loadPlan(PREBUILT_WORKER)) ?? buildPlan()
}

/** Bundles our own Worker, with the rail of Stripe. */
export function buildPlan(): Promise<WorkerPlan> {
  const main = siblingModule(import.meta.url, '../worker-stripe')
  return planWorker({ config: join(ROOT, 'wrangler.toml'), main, wrap })
}

/** Trap: the clock comes first, because modules may keep `Date.now` when they load. */
function wrap(main: string, classes: string[]): { text: string; folder: string } {
  const lab = (name: string) => JSON.stringify(siblingModule(import.meta.url, `./worker/${name}`))
  const text = `import ${lab('clock')}
import { wrap, wrapEntry } from ${lab('wrap')}
import { control, LabControl } from ${lab('control')}
import * as production from ${JSON.stringify(main)}
control(production)
export { LabControl }
export default wrapEntry(production.default)
${classes.map((name) => `export const ${name} = wrap('${name}', production.${name})`).join('\n')}
`
  return { text, folder: dirname(main) }
}
