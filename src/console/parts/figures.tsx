/** Figures as every page shows them: money with its currency, counts, times, and shares. */
import type { SumName } from '../figures.ts'

/** `1,234,567` of a whole number. */
export function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** `−$1,234.50` of micro-dollars, half a cent rounded away from zero. An amount below a cent keeps its six decimals. */
export function dollars(amount: bigint): string {
  const sign = amount < 0n ? '−' : ''
  const size = amount < 0n ? -amount : amount
  if (size > 0n && size < 10_000n) return `${sign}$0.${String(size).padStart(6, '0')}`
  const cents = (size + 5_000n) / 10_000n
  return `${sign}$${grouped(String(cents / 100n))}.${String(cents % 100n).padStart(2, '0')}`
}

/** `$0.012` of micro-dollars: a price with the decimals that it has, and two at least. */
export function priceText(amount: bigint): string {
  const [whole = '', part = ''] = sixDecimals(amount).split('.')
  return `$${grouped(whole)}.${part.replace(/0{1,4}$/, '')}`
}

/** Six decimals of micro-dollars, without a currency. */
export function sixDecimals(amount: bigint): string {
  const size = amount < 0n ? -amount : amount
  const text = `${size / 1_000_000n}.${String(size % 1_000_000n).padStart(6, '0')}`
  return amount < 0n ? `-${text}` : text
}

/** Money to read. The exact amount is in `value`, and a copy takes it from there. */
export function Money({ of }: { of: bigint | string }) {
  const amount = BigInt(of)
  return <data value={sixDecimals(amount)}>{dollars(amount)}</data>
}

/** Money in a column whose head names the currency: all six decimals. */
export function Exact({ of }: { of: bigint | string }) {
  const amount = BigInt(of)
  const [whole = '', part] = sixDecimals(amount).replace('-', '−').split('.')
  return (
    <data value={sixDecimals(amount)}>
      {grouped(whole)}.{part}
    </data>
  )
}

/** A count. */
export function Whole({ of }: { of: number | bigint }) {
  return <data value={String(of)}>{grouped(String(of))}</data>
}

/** A sum of figures: money or a count, by its name. */
export function Sum({ name, of }: { name: SumName; of: bigint }) {
  return name === 'charged' ? <Money of={of} /> : <Whole of={of} />
}

/** A share with one decimal. */
export function Percent({ of, in: all }: { of: number; in: number }) {
  return <data value={String(of / all)}>{`${((of / all) * 100).toFixed(1)} %`}</data>
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `27 Nov 2026` of Unix milliseconds, UTC. */
export function dayText(at: number): string {
  const date = new Date(at)
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`
}

/** A moment, UTC. `day`: without the time of day; `seconds`: with them. */
export function Time({
  at,
  day = false,
  seconds = false,
}: {
  at: number | null
  day?: boolean
  seconds?: boolean
}) {
  if (at === null) return <span class="soft">not yet</span>
  const iso = new Date(at).toISOString()
  return (
    <time datetime={iso}>{day ? dayText(at) : `${dayText(at)}, ${iso.slice(11, seconds ? 19 : 16)}`}</time>
  )
}

/** `3 min 20 s` of milliseconds. */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`
}

/** How a figure has changed against an earlier one; nothing where there was none. `isGood`: whether more is better. */
export function Trend({
  now,
  before,
  isGood,
}: {
  now: bigint
  before: bigint
  isGood?: boolean | undefined
}) {
  if (before === 0n) return <span class="d soft">new</span>
  const tenths = ((now - before) * 1000n) / (before < 0n ? -before : before)
  const size = tenths < 0n ? -tenths : tenths
  const text = `${grouped(String(size / 10n))}.${size % 10n} %`
  if (tenths === 0n) return <span class="d">＝ {text}</span>
  const isUp = tenths > 0n
  const mood = isGood === undefined ? 'd' : isUp === isGood ? 'd good' : 'd bad'
  return (
    <span class={mood}>
      {isUp ? '▲' : '▼'} {text}
    </span>
  )
}
