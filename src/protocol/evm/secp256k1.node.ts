/** The curve's module where a `.wasm` file cannot be imported but bytes can be compiled ("imports" in package.json). */
import { secp256k1Base64Bytes } from '@bitauth/libauth/build/lib/bin/secp256k1/secp256k1.base64.js'

/** The types of workerd know no way to compile bytes. */
type Compiler = { Module: new (bytes: Uint8Array) => WebAssembly.Module }

const bytes = Uint8Array.from(atob(secp256k1Base64Bytes), (character) => character.charCodeAt(0))

export default new (WebAssembly as unknown as Compiler).Module(bytes)
