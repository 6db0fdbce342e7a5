/** The `final` of a rule: whether its price is a ceiling. */
import * as v from 'valibot'
import { SCHEMES, type SchemeName } from '../../schemes/index.ts'
import { factor } from './term.ts'

/** `origin`: the origin may ask for less on its answer. A transfer that is signed cannot be lowered. */
export const final = factor({
  want: '"origin" or left out',
  example: '"origin"',
  schema: v.optional(v.literal('origin')),
  actions: ['charge'],
  misuse(_, _action, { schemes }) {
    const fixed = [schemes].flat().find((name) => SCHEMES[name as SchemeName]?.lowers === false)
    return fixed === undefined ? undefined : `must be removed, or "${String(fixed)}" from "schemes"`
  },
  carry: () => ({ isCeiling: true }),
  describe: (read) => (read ? 'at most' : undefined),
})
