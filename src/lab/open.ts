/** Opens a lab. */
import { installCommand, LAB_TOOLS, STACK_TOOLS } from '../testing/tools.ts'
import type { Lab, LabOptions } from './lab.ts'

/**
 * Opens a lab: a Worker in workerd, a chain, a card processor and a publisher’s server, all on one virtual clock.
 *
 * Every part listens on 127.0.0.1, on a free port, and ends with this process.
 * @throws for a package that is missing, with the command that installs it; for a moment that cannot be read; and with what a
 * part has printed if it does not start
 * @example
 * await using lab = await openLab({ policy: { PRICE: '0.001' }, start: '2026-12-01' })
 * const crawler = await lab.crawler({ pays: 'channel' })
 * await crawler.read('/page', 50)
 * await lab.nights(30)
 * await lab.audit()
 */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  // Somebody’s own Worker is bundled here.
  const tools = options.worker === undefined ? LAB_TOOLS : [...STACK_TOOLS, ...LAB_TOOLS]
  const command = installCommand([...new Set(tools)])
  if (command !== null) throw new Error(`tab402/lab needs more packages. Run: ${command}`)
  const { makeLab } = await import('./make.ts')
  return makeLab(options)
}
