/** A tile: one large figure, and what it is compared with. */
import type { Child } from 'hono/jsx'

/** A line below the figure: a label, an earlier figure, and the change. */
export type Compared = readonly [label: string, figure: Child, change: Child]

type TileProps = {
  title: string
  /** Null until data is there, which is not 0. */
  value: Child | null
  compared?: readonly Compared[] | null
  note?: string
}

/** A row of four tiles. */
export function Tiles({ children }: { children?: Child }) {
  return (
    <section aria-labelledby="totals">
      <h2 class="hide" id="totals">
        Totals
      </h2>
      <div class="tiles">{children}</div>
    </section>
  )
}

/** One tile of four. */
export function Tile({ title, value, compared, note }: TileProps) {
  const hasValue = value !== null && value !== false
  return (
    <div class="tile">
      <h3>{title}</h3>
      <p class="big">{hasValue ? value : <span class="soft">No data yet</span>}</p>
      {hasValue &&
        compared?.map(([label, figure, change]) => (
          <div>
            <span class="soft">{label}</span>
            <span>{figure}</span>
            <span class="soft">{change}</span>
          </div>
        ))}
      {note && <p class="soft">{note}</p>}
    </div>
  )
}
