/**
 * Precompiled WebAssembly, as workerd imports it; `imports` in package.json says from where.
 * Trap: the slash must be in the name, or wrangler's own rule for `**\/*.wasm` does not see the import.
 */
declare module '#libauth/secp256k1.wasm' {
  const module: WebAssembly.Module
  export default module
}
