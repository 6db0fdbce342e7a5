/** How far a tab has come: running totals on one scale, each with its figure below. */
import { Exact } from './figures.tsx'

/** A running total, none below the one before it. */
export type TabPart = { name: string; total: bigint; note: string }

const WIDTH = 1000n

/** The bar and its figures. The last total is the whole length. */
export function TabBar({ parts }: { parts: readonly TabPart[] }) {
  const most = parts.reduce((best, { total }) => (total > best ? total : best), 1n)
  let from = 0n
  const marks = parts.map(({ name, total }) => {
    const to = (total * WIDTH) / most
    const mark = { name, x: from, width: to > from ? to - from : 0n }
    from = to > from ? to : from
    return mark
  })
  return (
    <figure class="tab">
      <svg viewBox={`0 0 ${WIDTH} 1`} preserveAspectRatio="none" aria-hidden="true">
        {marks.map(({ x, width }, at) => (
          <rect fill={fillOf(at, parts.length)} x={String(x)} width={String(width)} height="1" />
        ))}
      </svg>
      <dl class="tiles">
        {parts.map(({ name, total, note }, at) => (
          <div class="tile">
            <dt>
              <svg viewBox="0 0 1 1" aria-hidden="true">
                <rect fill={fillOf(at, parts.length)} width="1" height="1" />
              </svg>
              {name}
            </dt>
            <dd class="big">
              <Exact of={total} />
            </dd>
            <dd class="soft">{note}</dd>
          </div>
        ))}
      </dl>
    </figure>
  )
}

/** The last total may still be spent, and is shown without a colour. */
function fillOf(at: number, of: number): string {
  return at + 1 === of ? 'var(--rule)' : `var(--s${[1, 2, 7][at] ?? 7})`
}
