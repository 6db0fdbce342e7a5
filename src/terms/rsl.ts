/** license.xml: Really Simple Licensing 1.0 (rslstandard.org/rsl). */
import type { Decision, Policy } from '../paywall/policy.ts'
import { showUsd } from '../protocol/amount.ts'
import type { Glob } from './globs.ts'
import { PURPOSES } from './names.ts'
import { pruned, strictest, strictness } from './order.ts'
import { ofClass, type Section, sectionsOf } from './sections.ts'

/** RSL's words for a use, by our class of crawler. Classes without a word of RSL are left out. */
const USAGE: Readonly<Record<(typeof PURPOSES)[number], string>> = {
  search: 'search ai-index',
  assistant: 'ai-input',
  training: 'ai-train',
}

/** The media type that RSL demands. */
export const RSL_TYPE = 'application/rsl+xml'

/** Days for which a reader may keep the file: a change of price shows a day later at most, and the 402 at once. */
const MAX_AGE_DAYS = 1

type Licensed = { pattern: string; glob: Glob; decisions: readonly (Decision | undefined)[] }

/** Writes the licence of a site. */
export function licenseXml(policy: Policy): string {
  const contents = pruned(licensed(sectionsOf(policy, 'GET', PURPOSES.map(ofClass))), alike)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!-- The price in a 402 holds. Uses and pages without a line here: ask for the page. -->',
    `<rsl xmlns="https://rslstandard.org/rsl" max-age="${MAX_AGE_DAYS}">`,
    ...contents.flatMap(contentOf),
    '</rsl>\n',
  ].join('\n')
}

/**
 * The strictest of all licences that fit a page holds. A block can be said only beside a permission, or when it is total:
 * any other is left unsaid, which may take away what stands behind it.
 */
function licensed(sections: readonly Section[]): Licensed[] {
  const decisions = PURPOSES.map((_, group) => strictest(sections, group))
  const contents = sections.map(({ pattern, glob }, at) => ({
    pattern,
    glob,
    decisions: decisions.map((group) => group[at]),
  }))
  const isVague = (at: number) => {
    const known = contents[at]?.decisions ?? []
    const blocked = known.filter((decision) => decision?.action === 'block').length
    const open = known.some((decision) => decision && decision.action !== 'block')
    return blocked > 0 && blocked < PURPOSES.length && !open
  }
  if (!contents.some((_, at) => isVague(at))) return contents
  return licensed(
    sections.map((section, at) =>
      isVague(at) ? { ...section, said: section.said.map((said) => said && 'unsaid') } : section,
    ),
  )
}

function contentOf({ pattern, decisions }: Licensed): string[] {
  const blocked = usagesOf(decisions, ({ action }) => action === 'block')
  const prices = new Set(decisions.flatMap((one) => (one && one.action !== 'block' ? [one.price] : [])))
  const licences = [...prices].map((price) => [
    `<permits type="usage">${usagesOf(decisions, (one) => one.action !== 'block' && one.price === price)}</permits>`,
    // Trap: a licence with prohibitions alone permits all else, free of charge.
    ...(blocked ? [`<prohibits type="usage">${blocked}</prohibits>`] : []),
    ...paymentOf(price),
  ])
  if (licences.length === 0 && blocked)
    licences.push(['<permits type="user">personal</permits>', '<prohibits type="usage">all</prohibits>'])
  if (licences.length === 0) return []
  return [
    `  <content url="${pattern.replaceAll('&', '&amp;')}">`,
    ...licences.flatMap((lines) => [
      '    <license>',
      ...lines.map((line) => `      ${line}`),
      '    </license>',
    ]),
    '  </content>',
  ]
}

function paymentOf(price: bigint): string[] {
  if (price === 0n) return ['<payment type="free"/>']
  return [
    '<payment type="crawl">',
    `  <amount currency="USD">${showUsd(price).slice(1)}</amount>`,
    '  <accepts type="application/x402+json"/>',
    '</payment>',
  ]
}

function usagesOf(decisions: Licensed['decisions'], of: (decision: Decision) => boolean): string {
  return PURPOSES.filter((_, at) => {
    const decision = decisions[at]
    return decision && of(decision)
  })
    .map((purpose) => USAGE[purpose])
    .join(' ')
}

function alike(one: Licensed, other: Licensed): boolean {
  return one.decisions.every((decision, at) => {
    const next = other.decisions[at]
    return decision && next ? strictness(decision) === strictness(next) : decision === next
  })
}
