/** The paywall whose account does nothing: what a request costs before anything is verified or written down. */
import { DurableObject } from 'cloudflare:workers'

export { default } from './paywall.ts'

/** In the place of the Account. */
export class Empty extends DurableObject {
  call(): void {}
}
