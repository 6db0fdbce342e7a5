/** Settings that may differ by network: one value for all of them, or a table by CAIP-2 id. */
import * as v from 'valibot'
import { isTable, unpack } from '../platform/schema.ts'
import { networks } from '../protocol/evm/network.ts'

/** A setting of {@link byNetwork}: `every` holds on each network, `on` has the value of each network that a table names. */
export type ByNetwork<Value> = { every: Value } | { on: ReadonlyMap<string, Value> }

/** A value of `schema`, or a table of such values by network; a table may be JSON text, as a secret has it. */
export function byNetwork<Schema extends v.GenericSchema>(schema: Schema) {
  const every = v.pipe(
    schema,
    v.transform((value): ByNetwork<v.InferOutput<Schema>> => ({ every: value })),
  )
  const table = v.pipe(
    v.record(v.picklist([...networks.keys()], UNKNOWN), schema),
    v.transform((value): ByNetwork<v.InferOutput<Schema>> => ({ on: new Map(Object.entries(value)) })),
  )
  return v.pipe(
    v.unknown(),
    v.transform((value) => (namesNetworks(unpack(value)) ? unpack(value) : value)),
    v.lazy((value) => (namesNetworks(value) ? table : every)),
  )
}

const UNKNOWN = `must be removed or renamed to one of ${[...networks.keys()].join(', ')}`

function namesNetworks(value: unknown): boolean {
  return isTable(value) && Object.keys(value).some((key) => key.startsWith('eip155:'))
}

/** The value on one network; undefined where the setting is absent or its table leaves the network out. */
export function valueOn<Value>(setting: ByNetwork<Value> | undefined, network: string): Value | undefined {
  if (setting === undefined) return undefined
  return 'every' in setting ? setting.every : setting.on.get(network)
}

/** Whether a var, as it is written, has a value on a network; without one, whether it has any. */
export function isSetOn(written: unknown, network: string | undefined): boolean {
  const value = unpack(written)
  return network !== undefined && isTable(value) && namesNetworks(value)
    ? value[network] !== undefined
    : value !== undefined
}

/** Whether a table gives the setting. */
export function isByNetwork(
  setting: ByNetwork<unknown> | undefined,
): setting is { on: ReadonlyMap<string, unknown> } {
  return setting !== undefined && 'on' in setting
}

/** Every value of a setting. */
export function valuesOf<Value>(setting: ByNetwork<Value> | undefined): Value[] {
  if (setting === undefined) return []
  return 'every' in setting ? [setting.every] : [...setting.on.values()]
}
