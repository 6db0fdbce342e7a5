/** The asker, as charges and figures name it: one text, in which a mere claim is marked. */
import type { Asker } from './classify.ts'
import { crawlerOfSigner } from './crawlers.ts'

/** The mark before a name that nothing confirms. No name begins with it. */
export const CLAIM = '~'

/** The name of a confirmed crawler, a claimed name behind {@link CLAIM}, or null for a client without a name. */
export function whoOf({ name, claim }: Pick<Asker, 'name' | 'claim'>): string | null {
  if (name === undefined) return null
  return claim === 'confirmed' ? name : CLAIM + name
}

/** The signer of a request whose signature is valid, named by the host of its keys: its crawler's name, else the host. */
export function whoSigned(host: string): string {
  return crawlerOfSigner(host)?.name ?? host
}
