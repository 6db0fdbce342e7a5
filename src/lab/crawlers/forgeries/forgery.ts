/** A request with a forged payment. */
import type { SignedRequest } from '../crawler.ts'

/** `name` is the last segment of its path where the payment does not bind the page. */
export type Forgery = { name: string; request: SignedRequest }
