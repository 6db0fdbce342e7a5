/** Reads `Signature-Input` and `Signature` (RFC 9421 §4) for Web Bot Auth. */
import {
  bytesOf,
  type InnerList,
  isInnerList,
  type Parameters,
  readDictionary,
  serializeInnerList,
  serializeItem,
} from '../protocol/http/structured-fields.ts'
import { type Flawed, flawed } from './verdict.ts'

/** One covered component. `id` is its identifier in the signature base: `"signature-agent";key="sig1"`. */
export type Component = { name: string; parameters: Parameters; id: string }

/** One member of `Signature-Input`. `text` is its serialisation, the value of `@signature-params`. */
export type Input = { components: readonly Component[]; parameters: Parameters; text: string }

/** A well-formed, unverified signature with tag `web-bot-auth`. Times in Unix seconds. */
export type Signature = Input & {
  label: string
  created: number
  expires: number
  /** The JWK thumbprint of the asserted key (RFC 7638, RFC 8037). */
  keyId: string
  nonce: string | null
  algorithm: string | null
  bytes: Uint8Array<ArrayBuffer>
}

const TAG = 'web-bot-auth'
const LARGEST_FIELD = 8192
const MOST_SIGNATURES = 4
const MOST_COMPONENTS = 32
const LONGEST_NONCE = 256
const LONGEST_SIGNATURE = 512

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/

/** The Web Bot Auth signatures of a request, each well formed or flawed; empty without signatures. */
export function readSignatures(headers: Headers): readonly (Signature | Flawed)[] | Flawed {
  const inputField = headers.get('signature-input')
  const signatureField = headers.get('signature')
  if (inputField === null && signatureField === null) return []
  const inputs = readInputs(inputField ?? '')
  if (!inputs) return flawed('signature_input_unreadable')
  const ours = [...inputs].filter(([, input]) => input.parameters.get('tag') === TAG)
  if (ours.length > MOST_SIGNATURES) return flawed('too_many_signatures')
  const values = readField(signatureField ?? '')
  return ours.map(([label, input]) => {
    const bytes = bytesOf(values?.get(label))
    if (!bytes || bytes.length > LONGEST_SIGNATURE) return flawed('signature_unreadable')
    return profile(label, input, bytes)
  })
}

/** All members of a `Signature-Input` by their labels; null when it cannot be read. */
export function readInputs(field: string): Map<string, Input> | null {
  const dictionary = readField(field)
  if (!dictionary || dictionary.size === 0) return null
  const inputs = new Map<string, Input>()
  for (const [label, member] of dictionary) {
    const input = isInnerList(member) ? readInput(member) : null
    if (!input) return null
    inputs.set(label, input)
  }
  return inputs
}

function readField(field: string) {
  return field.length > LARGEST_FIELD ? null : readDictionary(field)
}

function readInput(list: InnerList): Input | null {
  const [items, parameters] = list
  if (items.length > MOST_COMPONENTS) return null
  const components: Component[] = []
  for (const item of items) {
    const [name, itsParameters] = item
    if (typeof name !== 'string') return null
    components.push({ name, parameters: itsParameters, id: serializeItem(item) })
  }
  return { components, parameters, text: serializeInnerList(list) }
}

/** The requirements of Web Bot Auth for the parameters, beyond RFC 9421 (draft-ietf-webbotauth-httpsig-protocol, §Generating). */
function profile(label: string, input: Input, bytes: Uint8Array<ArrayBuffer>): Signature | Flawed {
  const { parameters } = input
  const created = parameters.get('created')
  const expires = parameters.get('expires')
  const keyId = parameters.get('keyid')
  const nonce = parameters.get('nonce') ?? null
  const algorithm = parameters.get('alg') ?? null
  if (created === undefined || expires === undefined || keyId === undefined)
    return flawed('parameter_missing')
  const wellFormed =
    isTime(created) &&
    isTime(expires) &&
    typeof keyId === 'string' &&
    THUMBPRINT.test(keyId) &&
    (algorithm === null || typeof algorithm === 'string') &&
    (nonce === null || (typeof nonce === 'string' && nonce.length <= LONGEST_NONCE))
  if (!wellFormed) return flawed('parameter_malformed')
  return { ...input, label, created, expires, keyId, nonce, algorithm, bytes }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}
