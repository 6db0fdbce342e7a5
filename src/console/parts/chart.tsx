/** A chart of money by day, drawn on the server: marks are SVG, words are HTML beside it, and a table holds the same. */
import { type Ranked, ticksOf, totalOf } from '../figures.ts'
import { dayText, dollars, Exact, Time } from './figures.tsx'

/** The units of the drawing: fine enough that whole numbers do. It is stretched to its place. */
const WIDTH = 6000
const HEIGHT = 2000n
/** The part of a day's width that its bar takes. */
const BAR = 0.74

type DailyProps = {
  id: string
  /** The title of the chart, for those who do not see it. */
  title: string
  /** At most seven series. Each has an amount for each of `days`. */
  series: readonly Ranked[]
  /** The name of a series, as the page shows it. */
  nameOf: (name: string) => string
  /** The first moment of each day, in Unix milliseconds. The last day is not over. */
  days: readonly number[]
}

/** Stacked bars, one a day. */
export function DailyBars({ id, title, series, nameOf, days }: DailyProps) {
  const total = totalOf(series)
  const ticks = ticksOf(total.days.reduce((most, amount) => (amount > most ? amount : most), 0n))
  const top = ticks.at(-1) ?? 1n
  const y = (amount: bigint) => (amount * HEIGHT) / top
  return (
    <figure>
      <ul class="key" aria-label="Series, in the order of the bars from below">
        {series.map(({ name }, at) => (
          <li>
            <Swatch of={at + 1} />
            {nameOf(name)}
          </li>
        ))}
      </ul>
      <div class="chart">
        <ul class="y" aria-hidden="true">
          {[...ticks].reverse().map((tick) => (
            <li>{tick === 0n ? '0' : dollars(tick).replace(/\.00$/, '')}</li>
          ))}
        </ul>
        <svg
          class="plot"
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-labelledby={`${id}-t ${id}-d`}
        >
          <title id={`${id}-t`}>{title}</title>
          <desc id={`${id}-d`}>{finding(total, days)}</desc>
          {ticks.slice(1).map((tick) => (
            <line x1="0" x2={WIDTH} y1={String(HEIGHT - y(tick))} y2={String(HEIGHT - y(tick))} />
          ))}
          {days.map((day, at) => (
            <Bar day={day} at={at} of={days.length} series={series} y={y} />
          ))}
          <line class="base" x1="0" x2={WIDTH} y1={String(HEIGHT)} y2={String(HEIGHT)} />
        </svg>
        <ul class="x" aria-hidden="true">
          {days
            .filter((_, at) => at % 7 === 0)
            .map((day) => (
              <li>{dayText(day).slice(0, -5)}</li>
            ))}
        </ul>
      </div>
      <figcaption class="soft">The pale bar is today, so far.</figcaption>
      <AsTable title={title} series={series} nameOf={nameOf} days={days} />
    </figure>
  )
}

/** The colour of a series, beside its name. `of`: its number, from 1. */
export function Swatch({ of }: { of: number }) {
  return (
    <svg viewBox="0 0 1 1" aria-hidden="true">
      <rect fill={`var(--s${of})`} width="1" height="1" />
    </svg>
  )
}

type BarProps = {
  day: number
  at: number
  of: number
  series: readonly Ranked[]
  y: (amount: bigint) => bigint
}

function Bar({ day, at, of, series, y }: BarProps) {
  const step = WIDTH / of
  const amounts = series.map(({ days }) => days[at] ?? 0n)
  const total = amounts.reduce((sum, amount) => sum + amount, 0n)
  let base = HEIGHT
  return (
    <g opacity={at === of - 1 ? '.5' : undefined}>
      <title>{`${dayText(day)}: ${dollars(total)}`}</title>
      {amounts.map((amount, index) => {
        // The bar of a day whose releases exceed its charges is left out; the table has its amount.
        const height = amount > 0n ? y(amount) : 0n
        base -= height
        return height > 0n ? (
          <rect
            fill={`var(--s${index + 1})`}
            x={(at * step + (step * (1 - BAR)) / 2).toFixed(0)}
            y={String(base)}
            width={(step * BAR).toFixed(0)}
            height={String(height)}
          />
        ) : null
      })}
    </g>
  )
}

function finding({ days: amounts, earned }: Ranked, days: readonly number[]): string {
  const most = amounts.reduce((best, amount, at) => (amount > (amounts[best] ?? 0n) ? at : best), 0)
  return `${dollars(earned)} in ${days.length} days; the most, ${dollars(amounts[most] ?? 0n)}, on ${dayText(days[most] ?? 0)}.`
}

function AsTable({ title, series, nameOf, days }: Omit<DailyProps, 'id'>) {
  return (
    <details>
      <summary>Show as a table</summary>
      <section class="scroll" tabindex={0} aria-label={`${title}, as a table`}>
        <table>
          <caption class="hide">{title}, USD</caption>
          <thead>
            <tr>
              <th scope="col">Day</th>
              {series.map(({ name }) => (
                <th scope="col" class="n">
                  {nameOf(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {days.map((day, at) => (
              <tr>
                <th scope="row">
                  <Time at={day} day />
                </th>
                {series.map(({ days: amounts }) => (
                  <td class="n">
                    <Exact of={amounts[at] ?? 0n} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  )
}
