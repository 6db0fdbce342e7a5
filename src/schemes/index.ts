/** The one list of schemes. A new scheme is a folder and a line here, and its bindings a line in app/schemes.ts. */
import { channel } from './channel/payment.ts'
import { credit } from './credit/payment.ts'
import { exact } from './exact/payment.ts'
import type { Payment, SchemeKind } from './payment.ts'
import type { Scheme } from './scheme.ts'

const LIST = { channel, exact, credit }

/** The name of a scheme in a policy: `channel`, `exact` or `credit`. */
export type SchemeName = keyof typeof LIST

/** Every scheme by its name. */
export const SCHEMES: Readonly<Record<SchemeName, SchemeKind>> = LIST

/** The names of all schemes. */
export const SCHEME_NAMES = Object.keys(LIST) as [SchemeName, ...SchemeName[]]

/** The schemes of a policy that states none, the preferred one first. */
export const DEFAULT_SCHEMES: SchemeName[] = ['channel', 'exact']

/** The schemes that one site takes, with their bindings: one for each of its networks, the preferred one first. */
export type Schemes = Partial<Record<SchemeName, readonly Scheme<Payment, unknown>[]>>

/** The scheme of one name on one network. */
export function schemeOn<Kind extends { network: string }>(
  schemes: { [Name in SchemeName]?: readonly Kind[] },
  name: SchemeName,
  network: string,
): Kind | undefined {
  return schemes[name]?.find((scheme) => scheme.network === network)
}
