/** Prints what the probe shows in the simulator, as JSON. The test compares it with workerd. */
import '../../sim/platform/hooks.ts'
import { Choices } from '../../sim/choices.ts'
import { DurableObject } from '../../sim/platform/workers.ts'
import { prepareGlobals } from '../../sim/prepare.ts'
import { enter, World } from '../../sim/world.ts'
import { observe, probeOn } from './probe.js'

const { Namespace } = await import('../../sim/platform/namespace.ts')

prepareGlobals()
// No fault strikes: only what every runtime does is compared.
const world = new World(new Choices(1, { only: new Set() }), Date.UTC(2026, 11, 1))
enter(world)
const probes = new Namespace(
  'probe',
  () => probeOn(DurableObject),
  () => ({}),
)
let seen: unknown
observe(() => probes.getByName('probe')).then(
  (all: unknown) => {
    seen = all
  },
  (fault: unknown) => world.fail(fault),
)
await world.runUntil(() => seen !== undefined)
enter(null)
console.log(JSON.stringify(seen))
