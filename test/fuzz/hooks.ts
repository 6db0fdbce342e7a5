/** Loads the Worker's own modules in plain Node. Import it before any module of `src`. */
import { registerHooks } from 'node:module'
import { install } from './clock.ts'

const STUB = new URL('./workers.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'cloudflare:workers' ? { url: STUB, shortCircuit: true } : next(specifier, context),
})

install()
Object.assign(crypto.subtle, {
  timingSafeEqual: (a: ArrayBuffer, b: ArrayBuffer) => Buffer.from(a).equals(Buffer.from(b)),
})
