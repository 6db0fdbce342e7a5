/** Human-readable ABIs, as viem's `parseAbi` reads them. viem's own also reads what no ABI here has: 3 kB more. Pure. */
import type { ParseAbi } from 'viem'

type Parameter = { type: string; name?: string; indexed?: true; components?: Parameter[] }

/** Lists of parameters, by the name of their struct. */
type Structs = Map<string, Parameter[]>

/**
 * Reads signatures of functions, events, errors and structs. A struct must come before its use, and tuples must be structs.
 * @throws RangeError for any other signature
 */
export function parseAbi<const Signatures extends readonly string[]>(
  signatures: Signatures,
): ParseAbi<Signatures> {
  const structs: Structs = new Map()
  const abi = signatures.flatMap((signature) => itemOf(signature, structs) ?? [])
  return abi as unknown as ParseAbi<Signatures>
}

const ITEM =
  /^(?<kind>function|event|error|struct) (?<name>\w+) ?[({](?<inputs>[^)}]*)[)}](?<more> view| payable)?(?: returns \((?<outputs>.*)\))?$/

function itemOf(signature: string, structs: Structs): Record<string, unknown> | undefined {
  const { kind: type, name = '', inputs = '', more, outputs = '' } = ITEM.exec(signature)?.groups ?? {}
  if (type === 'struct') {
    structs.set(name, parametersOf(inputs, ';', structs))
    return undefined
  }
  if (type === undefined) throw new RangeError(`the signature must be of a known form: ${signature}`)
  const item = { type, name, inputs: parametersOf(inputs, ',', structs) }
  if (type !== 'function') return item
  const stateMutability = more?.trim() ?? 'nonpayable'
  return { ...item, stateMutability, outputs: parametersOf(outputs, ',', structs) }
}

function parametersOf(list: string, separator: string, structs: Structs): Parameter[] {
  const texts = list.split(separator).map((text) => text.trim())
  return texts.filter((text) => text !== '').map((text) => parameterOf(text, structs))
}

function parameterOf(text: string, structs: Structs): Parameter {
  const [type = '', ...words] = text.split(' ')
  const [, base = '', array = ''] = /^(\w+)((?:\[\])?)$/.exec(type) ?? []
  const components = structs.get(base)
  if (!components && !/^(address|bool|string|bytes\d*|uint\d+)$/.test(base))
    throw new RangeError(`the type must be an elementary one or a struct above: ${text}`)
  const name = words.at(-1)
  return {
    type: (components ? 'tuple' : base) + array,
    ...(name !== undefined && { name }),
    ...(words[0] === 'indexed' && { indexed: true as const }),
    ...(components && { components }),
  }
}
