/** Precompiled WebAssembly modules, as workerd imports them. */
declare module '#secp256k1.wasm' {
  const module: WebAssembly.Module
  export default module
}
