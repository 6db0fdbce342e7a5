/** Loads the Worker's own modules in plain Node. Import it before any module of `src`. */
import { registerHooks } from 'node:module'
import { install } from './clock.ts'

const WORKERS = new URL('../../sim/platform/workers.ts', import.meta.url).href

// Trap: the simulator's own hooks also replace the way to the chain and the mathematics of signatures. Here both are real.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'cloudflare:workers' ? { url: WORKERS, shortCircuit: true } : next(specifier, context),
})

install()
Object.assign(crypto.subtle, {
  timingSafeEqual: (a: ArrayBuffer, b: ArrayBuffer) => Buffer.from(a).equals(Buffer.from(b)),
})
