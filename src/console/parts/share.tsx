/** Shares as bars: of one name in the largest, and of all parts in their sum. The figures stand beside them. */

const WIDTH = 1000

type Mark = { x: number; width: number; colour: number }

/** One bar on the scale of the largest. `colour`: the number of a series' colour, 7 is grey. */
export function Share({ of, most, colour }: { of: bigint; most: bigint; colour: number }) {
  const width = of > 0n ? Number((of * BigInt(WIDTH)) / most) : 0
  return <Marks of={[{ x: 0, width, colour }]} />
}

/** The parts of a sum as one bar, in their order. */
export function Shares({ of, all }: { of: readonly { sum: number; colour: number }[]; all: number }) {
  let before = 0
  // The edges are rounded, not the widths: the parts fill the bar, without a gap or an overlap.
  const edge = (sum: number) => Math.round((sum / all) * WIDTH)
  const marks = of.map(({ sum, colour }) => {
    const x = edge(before)
    before += sum
    return { x, width: edge(before) - x, colour }
  })
  return <Marks of={marks} />
}

function Marks({ of }: { of: readonly Mark[] }) {
  return (
    <svg class="bar" viewBox={`0 0 ${WIDTH} 1`} preserveAspectRatio="none" aria-hidden="true">
      {of.map(({ x, width, colour }) => (
        <rect fill={`var(--s${colour})`} x={x} width={width} height="1" />
      ))}
    </svg>
  )
}
