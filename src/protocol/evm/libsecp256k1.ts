/** libsecp256k1 in WebAssembly (libauth's build), instantiated without its loader: workerd compiles no bytes at run time. */
import wasm from '#libauth/secp256k1.wasm'
import { type Hex, writeHex } from './hex.ts'

/** The exports used here. Arguments are pointers into the heap; results are 1 or 0. */
type Exports = {
  _malloc(bytes: number): number
  _secp256k1_context_create(flags: number): number
  _secp256k1_ecdsa_recoverable_signature_parse_compact(
    context: number,
    into: number,
    compact: number,
    recovery: number,
  ): number
  _secp256k1_ecdsa_recover(context: number, key: number, signature: number, digest: number): number
  _secp256k1_ecdsa_sign_recoverable(
    context: number,
    signature: number,
    digest: number,
    secret: number,
    nonce: number,
    entropy: number,
  ): number
  _secp256k1_ecdsa_recoverable_signature_serialize_compact(
    context: number,
    into: number,
    recovery: number,
    signature: number,
  ): number
  _secp256k1_ec_pubkey_create(context: number, key: number, secret: number): number
  _secp256k1_ec_pubkey_serialize(
    context: number,
    into: number,
    length: number,
    key: number,
    format: number,
  ): number
}

/** Memory as the build expects it: 16 MiB (touched only where used), static data, a stack of 5 MiB, then the heap. */
const PAGES = 256
const STATIC_END = 68_736
const STACK = 68_752
const HEAP = STACK + 5 * 1024 * 1024

const FOR_VERIFYING = 0x101
const FOR_SIGNING = 0x201
const UNCOMPRESSED = 2

function instantiate(memory: WebAssembly.Memory): Exports {
  const heap = new Uint8Array(memory.buffer)
  const abort = () => {
    throw new Error('libsecp256k1 aborted')
  }
  const env = {
    memory,
    table: new WebAssembly.Table({ element: 'anyfunc', initial: 6, maximum: 6 }),
    tableBase: 0,
    DYNAMICTOP_PTR: STATIC_END,
    STACKTOP: STACK,
    getTotalMemory: () => heap.length,
    abort,
    _abort: abort,
    enlargeMemory: abort,
    abortOnCannotGrowMemory: abort,
    ___setErrNo: abort,
    _emscripten_memcpy_big: (to: number, from: number, count: number) => {
      heap.copyWithin(to, from, from + count)
      return to
    },
  }
  return new WebAssembly.Instance(wasm, { env }).exports as Exports
}

/** One instance with its pointers allocated once. Its methods are synchronous, so no two calls share the heap. */
export class Curve {
  readonly #exports: Exports
  readonly #heap: Uint8Array
  readonly #input: number
  readonly #signature: number
  readonly #digest: number
  readonly #key: number
  readonly #point: number
  readonly #length: number
  #verifying = 0
  #signing = 0

  constructor() {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES })
    this.#heap = new Uint8Array(memory.buffer)
    new DataView(memory.buffer).setUint32(STATIC_END, HEAP, true)
    this.#exports = instantiate(memory)
    const room = (bytes: number) => this.#exports._malloc(bytes)
    this.#input = room(64)
    this.#signature = room(65)
    this.#digest = room(32)
    this.#key = room(64)
    this.#point = room(65)
    this.#length = room(4)
  }

  /**
   * The public key that signed the digest, in the library's own form: 64 bytes of the heap, good until the next call.
   * `rs` is 0x and 128 digits. The tables that the first call makes take about 10 ms.
   */
  recover(digest: Uint8Array, rs: Hex, recovery: 0 | 1): Uint8Array | undefined {
    const { _secp256k1_ecdsa_recoverable_signature_parse_compact: parse, _secp256k1_ecdsa_recover: find } =
      this.#exports
    this.#verifying ||= this.#exports._secp256k1_context_create(FOR_VERIFYING)
    writeHex(rs, this.#heap, this.#input)
    this.#heap.set(digest, this.#digest)
    const found =
      parse(this.#verifying, this.#signature, this.#input, recovery) &&
      find(this.#verifying, this.#key, this.#signature, this.#digest)
    return found ? this.#heap.subarray(this.#key, this.#key + 64) : undefined
  }

  /** Makes the public key of 32 secret bytes, in the place where {@link recover} leaves one; false if they are not a valid key. */
  derive(secret: Uint8Array): boolean {
    this.#signing ||= this.#exports._secp256k1_context_create(FOR_SIGNING)
    this.#heap.set(secret, this.#input)
    const made = this.#exports._secp256k1_ec_pubkey_create(this.#signing, this.#key, this.#input)
    this.#heap.fill(0, this.#input, this.#input + 32)
    return made === 1
  }

  /**
   * Signs a digest with 32 secret bytes, by the library's own nonces (RFC 6979) and with a low s; `undefined` when they are no
   * key. `rs`: 64 bytes of the heap, good until the next call.
   */
  sign(secret: Uint8Array, digest: Uint8Array): { rs: Uint8Array; recovery: number } | undefined {
    const {
      _secp256k1_ecdsa_sign_recoverable: sign,
      _secp256k1_ecdsa_recoverable_signature_serialize_compact: serialize,
    } = this.#exports
    this.#signing ||= this.#exports._secp256k1_context_create(FOR_SIGNING)
    this.#heap.set(digest, this.#digest)
    this.#heap.set(secret, this.#input)
    const signed = sign(this.#signing, this.#signature, this.#digest, this.#input, 0, 0)
    this.#heap.fill(0, this.#input, this.#input + 32)
    if (!signed) return undefined
    serialize(this.#signing, this.#input, this.#length, this.#signature)
    const recovery = new DataView(this.#heap.buffer).getUint32(this.#length, true)
    return { rs: this.#heap.subarray(this.#input, this.#input + 64), recovery }
  }

  /** The x and y of the public key of the last call: 64 bytes of the heap, good until the next call. */
  point(): Uint8Array {
    new DataView(this.#heap.buffer).setUint32(this.#length, 65, true)
    const context = this.#verifying || this.#signing
    this.#exports._secp256k1_ec_pubkey_serialize(context, this.#point, this.#length, this.#key, UNCOMPRESSED)
    return this.#heap.subarray(this.#point + 1, this.#point + 65)
  }
}
