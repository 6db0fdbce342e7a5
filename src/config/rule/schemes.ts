/** The `schemes` of a rule or a site: how crawlers may pay. */
import * as v from 'valibot'
import { list } from '../../platform/schema.ts'
import { SCHEME_NAMES, SCHEMES } from '../../schemes/index.ts'
import { factor } from './term.ts'

/** A list of schemes in which each stands behind those that it needs before it. */
export const schemeList = v.pipe(
  list(v.picklist(SCHEME_NAMES, 'must be "channel", "exact" or "credit"')),
  v.check((names) => new Set(names).size === names.length, 'must list each scheme once'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    for (const name of SCHEME_NAMES) {
      const { after } = SCHEMES[name]
      if (after && isBefore(name, after, dataset.value))
        addIssue({ message: `must list "${after}" before "${name}"` })
    }
  }),
)

/** The preferred scheme first; SCHEMES where it is absent. */
export const schemes = factor({
  want: 'a list of "channel", "exact" and "credit"',
  example: '["exact"]',
  schema: v.optional(schemeList),
  actions: ['charge'],
  carry: (schemes) => ({ schemes }),
})

function isBefore(one: string, other: string, names: readonly string[]): boolean {
  return names.includes(one) && names.indexOf(one) < names.indexOf(other)
}
