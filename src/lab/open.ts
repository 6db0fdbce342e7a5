/** Opens a lab. */
import { installCommand, LAB_TOOLS, STACK_TOOLS } from '../testing/tools.ts'
import { KINDS, type Members, mustKnow } from './known.ts'
import type { Lab, LabOptions, LabSite } from './lab.ts'

const { LIST, OBJECT, TEXT, WHOLE } = KINDS

const OPTIONS: Readonly<Record<keyof LabOptions, Members[string]>> = {
  policy: OBJECT,
  sites: LIST,
  start: null,
  facilitator: ['own', 'hosted'],
  engine: ['workerd'],
  seed: WHOLE,
  worker: TEXT,
  log: { must: 'a function', has: (value) => typeof value === 'function' },
}

const SITE: Readonly<Record<keyof LabSite, Members[string]>> = { id: TEXT, receiver: TEXT, terms: OBJECT }

/**
 * Opens a lab: a Worker in workerd, a chain, a card processor and a publisher’s server, all on one virtual clock.
 *
 * Every part listens on 127.0.0.1, on a free port, and ends with this process.
 * @throws for a package that is missing, with the command that installs it; for an option or a moment that is wrong; for a
 * policy that the Worker would reject, with each problem; and with what a part has printed if it does not start
 * @example
 * await using lab = await openLab({ policy: { PRICE: '0.001' }, start: '2026-12-01' })
 * const crawler = await lab.crawler({ pays: 'channel' })
 * await crawler.read('/page', 50)
 * await lab.nights(30)
 * await lab.audit()
 */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  mustKnow('openLab', options, OPTIONS)
  for (const site of options.sites ?? []) mustKnow('a site of openLab', site, SITE)
  // Somebody’s own Worker is bundled here.
  const tools = options.worker === undefined ? LAB_TOOLS : [...STACK_TOOLS, ...LAB_TOOLS]
  const command = installCommand([...new Set(tools)])
  if (command !== null) throw new Error(`tab402/lab needs more packages. Run: ${command}`)
  const { makeLab } = await import('./make.ts')
  return makeLab(options)
}
