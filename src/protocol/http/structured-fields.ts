/** Structured fields (RFC 9651), read so that nothing in them can be read in two ways. */
import {
  type BareItem,
  type Dictionary,
  type InnerList,
  type Item,
  isInnerList,
  type Parameters,
  parseDictionary,
  parseItem,
} from 'structured-headers'

export { isInnerList, serializeInnerList, serializeItem } from 'structured-headers'
/** The types of parsed structured fields (RFC 9651). */
export type { Dictionary, InnerList, Item, Parameters }

/**
 * A field's dictionary; null when it is none. A key written twice, which the RFC lets the last writing win, is refused:
 * another reader may keep the first.
 */
export function readDictionary(text: string): Dictionary | null {
  const dictionary = attempt(() => parseDictionary(text))
  if (!dictionary) return null
  let parameters = 0
  for (const member of dictionary.values()) parameters += countParameters(member)
  const { commas, semicolons } = countSeparators(text)
  const members = text.trim() === '' ? 0 : commas + 1
  return members === dictionary.size && semicolons === parameters ? dictionary : null
}

/** A field's item; null when it is none. A parameter written twice is refused as in {@link readDictionary}. */
export function readItem(text: string): Item | null {
  const item = attempt(() => parseItem(text))
  return item && countSeparators(text).semicolons === item[1].size ? item : null
}

/** The bytes of a member that is a byte sequence; null for any other. */
export function bytesOf(member: Item | InnerList | undefined): Uint8Array<ArrayBuffer> | null {
  if (!member || isInnerList(member)) return null
  const value: BareItem = member[0]
  return value instanceof ArrayBuffer ? new Uint8Array(value) : null
}

/** A parser's answer, or null where it throws: what a client wrote is never a fault of ours. */
function attempt<Value>(parse: () => Value): Value | null {
  try {
    return parse()
  } catch (cause) {
    if (cause instanceof Error) return null
    throw cause
  }
}

function countParameters(member: Item | InnerList): number {
  const own = member[1].size
  return isInnerList(member) ? member[0].reduce((sum, [, parameters]) => sum + parameters.size, own) : own
}

/** Separators outside of strings; NaN, which equals nothing, where a display string stands, whose escapes differ. */
function countSeparators(text: string): { commas: number; semicolons: number } {
  let commas = 0
  let semicolons = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (quoted && code === 0x5c) at++
    else if (code === 0x22) {
      if (!quoted && text.charCodeAt(at - 1) === 0x25) return { commas: Number.NaN, semicolons: Number.NaN }
      quoted = !quoted
    } else if (!quoted && code === 0x2c) commas++
    else if (!quoted && code === 0x3b) semicolons++
  }
  return { commas, semicolons }
}
