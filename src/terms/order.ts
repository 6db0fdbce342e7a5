/** Which sections may stand in a document whose readers choose otherwise than by the first one that covers a page. */
import type { Decision } from '../paywall/policy.ts'
import { coversAll, type Glob, mayMeet } from './globs.ts'
import type { Said, Section } from './sections.ts'

/** A section with the decision that a document states for it. */
export type Stated = { pattern: string; glob: Glob; decision: Decision }

/**
 * For readers who take the strictest of all sections that cover a page (RSL): the decisions of one group, undefined where a
 * section may not stand. One that is laxer on some of its pages takes away the stricter ones behind it.
 */
export function strictest(sections: readonly Section[], group: number): (Decision | undefined)[] {
  return kept(sections, group, (earlier, decision) => strictness(earlier.decision) >= strictness(decision))
}

/** For readers who take the longest pattern that covers a page (robots.txt). */
export function longest(sections: readonly Section[], group: number): (Decision | undefined)[] {
  return kept(
    sections,
    group,
    (earlier, decision, { pattern }) =>
      isBlock(earlier.decision) === isBlock(decision) || earlier.pattern.length > pattern.length,
  )
}

/** Leaves out sections that say what the next one that covers them says too. */
export function pruned<Entry extends { glob: Glob }>(
  entries: readonly Entry[],
  same: (one: Entry, other: Entry) => boolean,
): Entry[] {
  const left: Entry[] = []
  for (const entry of entries.toReversed()) {
    const next = left.findLast(({ glob }) => mayMeet(glob, entry.glob))
    if (!next || !coversAll(next.glob, entry.glob) || !same(entry, next)) left.push(entry)
  }
  return left.reverse()
}

/** How little a decision lets through: nothing is stricter than a block. */
export function strictness({ action, price }: Decision): bigint {
  return action === 'block' ? 1n << 128n : action === 'charge' ? price : 0n
}

function isBlock({ action }: Decision): boolean {
  return action === 'block'
}

/** Whether two sections may mean the same request. */
function overlaps(earlier: Section, later: Section): boolean {
  return !(earlier.queries === 'none' && later.queries === 'only') && mayMeet(earlier.glob, later.glob)
}

function kept(
  sections: readonly Section[],
  group: number,
  fits: (earlier: Stated, decision: Decision, section: Section) => boolean,
): (Decision | undefined)[] {
  const earlier: { section: Section; stated: Stated | undefined }[] = []
  return sections.map((section) => {
    const said: Said = section.said[group]
    if (said === undefined) return undefined
    const stands =
      said !== 'unsaid' &&
      earlier.every(
        (one) => !overlaps(one.section, section) || (one.stated && fits(one.stated, said, section)),
      )
    const decision = stands ? said : undefined
    earlier.push({ section, stated: decision && { ...section, decision } })
    return decision
  })
}
