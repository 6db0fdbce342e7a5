/** Loads the Worker's own modules in plain Node. Import it before any module of `src`. */
import '../../sim/platform/hooks.ts'
import { install } from './clock.ts'

install()
Object.assign(crypto.subtle, {
  timingSafeEqual: (a: ArrayBuffer, b: ArrayBuffer) => Buffer.from(a).equals(Buffer.from(b)),
})
