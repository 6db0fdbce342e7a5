/**
 * The curve's module for Node, which cannot import a `.wasm` file but can compile bytes ("imports" in package.json).
 *
 * Trap: keep this file JavaScript. The repository and the package load it from this same path, and Node strips no
 * types below node_modules.
 */
import { secp256k1Base64Bytes } from '@bitauth/libauth/build/lib/bin/secp256k1/secp256k1.base64.js'

const bytes = Uint8Array.from(atob(secp256k1Base64Bytes), (character) => character.charCodeAt(0))

export default new WebAssembly.Module(bytes)
