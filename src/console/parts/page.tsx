/** The parts of a page: its head, its sections, and the notices of problems. */
import type { Child } from 'hono/jsx'
import type { Problem } from '../answers.ts'
import { type FigureSource, SourceBadge } from './badges.tsx'

type HeadProps = {
  title: string
  /** The page above this one. */
  above?: { href: string; title: string }
  /** When the figures were read, in Unix milliseconds, and where. */
  asOf?: number
  sources?: readonly FigureSource[]
  /** The state of what the page shows, beside its time. */
  meta?: Child
  /** Buttons and filters. */
  children?: Child
}

/** The head of a page. */
export function Head({ title, above, asOf, sources = [], meta, children }: HeadProps) {
  return (
    <div class="head">
      {above && (
        <nav class="crumb" aria-label="Where you are">
          <a href={above.href}>{above.title}</a>
        </nav>
      )}
      <div>
        <h1>{title}</h1>
        {(meta || asOf !== undefined) && (
          <p class="meta">
            {meta}
            {asOf !== undefined && <AsOf at={asOf} />}
            {sources.map((source) => (
              <SourceBadge of={source} />
            ))}
          </p>
        )}
      </div>
      {children && <div class="row">{children}</div>}
    </div>
  )
}

function AsOf({ at }: { at: number }) {
  const iso = new Date(at).toISOString()
  return (
    <span>
      As of <time data-asof datetime={iso}>{`${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`}</time>
    </span>
  )
}

/** A section under an ink line. `id` is its anchor, and names it. */
export function PageSection({
  title,
  id,
  note,
  isLive = false,
  children,
}: {
  title: string
  id: string
  note?: Child
  /** Read again while the page is seen. */
  isLive?: boolean
  children?: Child
}) {
  return (
    <section
      aria-labelledby={id}
      data-live={isLive ? `s-${id}` : undefined}
      id={isLive ? `s-${id}` : undefined}
    >
      <div class="sec">
        <h2 id={id}>{title}</h2>
        {note && <span class="soft">{note}</span>}
      </div>
      {children}
    </section>
  )
}

/** The problem that the edge Worker stated, in place of what it would have shown. */
export function Trouble({ problem }: { problem: Problem }) {
  return (
    <div class="box bad" role="alert">
      <p>
        <strong>{problem.title}</strong>
      </p>
      <p>{problem.detail}</p>
      {problem.errors && problem.errors.length > 0 && (
        <ul>
          {problem.errors.map(({ path, message, expected }) => (
            <li>
              <code>{path}</code> {message} ({expected})
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** Names and their values. */
export function FactList({ of }: { of: readonly (readonly [name: string, value: Child])[] }) {
  return (
    <dl class="dl">
      {of.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  )
}
