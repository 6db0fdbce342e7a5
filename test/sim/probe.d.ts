import type { ObjectClass } from '../../sim/platform/host.ts'

export function probeOn(base: unknown): ObjectClass
export function observe(stub: () => object): Promise<unknown>
