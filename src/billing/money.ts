/** Amounts for people: two decimals where nothing is lost, up to six where something would be. */
import { html } from 'hono/html'

/** Micro-dollars as USD, without the currency: `1,234.50`, `0.002`, `−0.004567`. */
export function moneyText(amount: bigint): string {
  const size = amount < 0n ? -amount : amount
  const whole = (size / 1_000_000n).toString().replace(/\B(?=(?:\d{3})+$)/g, ',')
  const fraction = (size % 1_000_000n)
    .toString()
    .padStart(6, '0')
    .replace(/0{1,4}$/, '')
  return `${amount < 0n ? '−' : ''}${whole}.${fraction}`
}

/** A count of pages: `12,345`. */
export function countText(count: number): string {
  return `${count < 0 ? '−' : ''}${Math.abs(count)
    .toString()
    .replace(/\B(?=(?:\d{3})+$)/g, ',')}`
}

/** The most decimals of some amounts, for {@link moneyCell}. */
export function decimalsOf(amounts: Iterable<bigint>): number {
  let most = 2
  for (const amount of amounts) most = Math.max(most, decimals(moneyText(amount)))
  return most
}

/** A table cell whose decimal point stands below those of its column. Invisible digits fill it up to `width` decimals. */
export function moneyCell(amount: bigint, width: number) {
  const text = moneyText(amount)
  const missing = width - decimals(text)
  const padding = missing > 0 ? html`<span class="pad" aria-hidden="true">${'0'.repeat(missing)}</span>` : ''
  return html`<td class="usd">${text}${padding}</td>`
}

function decimals(text: string): number {
  return text.length - text.indexOf('.') - 1
}
