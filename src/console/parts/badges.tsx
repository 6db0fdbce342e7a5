/** Badges: a word with a shape before it, so that nothing depends on colour. */

/** Where a figure comes from. */
export type FigureSource = 'live' | 'book' | 'chain' | 'traffic'

const SOURCES: Record<FigureSource, string> = {
  live: 'Read from the accounts when the page was made',
  book: 'Read from D1, the read model that the accounts and the nightly run write',
  chain: 'Read from the chain',
  traffic: 'Counted in the isolates: approximate',
}

/** The source of the figures beside it. */
export function SourceBadge({ of }: { of: FigureSource }) {
  return (
    <span class={`tag ${of}`} title={SOURCES[of]}>
      {of}
    </span>
  )
}

/** How serious a word is. */
export type Mood = 'bad' | 'warn' | 'good' | 'plain'

/** A state in one word. */
export function Badge({ mood = 'plain', children }: { mood?: Mood; children: string }) {
  return <span class={mood === 'plain' ? 'tag' : `tag ${mood}`}>{children}</span>
}
