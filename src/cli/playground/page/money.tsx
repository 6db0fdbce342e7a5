/** The money beside the steps: two wallets on chain, and the three totals of the account in the ledger. */
import type { Money, Totals } from '../calls.ts'
import { Usd } from './parts.tsx'

const BARS: readonly { key: keyof Totals; title: string; says: string }[] = [
  { key: 'authorized', title: 'Authorized', says: 'you have signed for' },
  { key: 'charged', title: 'Charged', says: 'pages that you got' },
  { key: 'redeemed', title: 'Redeemed', says: 'paid to the publisher' },
]
const WIDTH = 1000n

/** Shows it. `kind`: how the account pays, for people. */
export function MoneyPanel({ money, kind }: { money: Money | null; kind: string }) {
  return (
    <aside class="money box" aria-labelledby="money">
      <h2 id="money">The money</h2>
      <dl class="dl">
        <dt>Your wallet</dt>
        <dd>{money ? <Usd amount={money.wallet} /> : '–'}</dd>
        <dt>The publisher’s wallet</dt>
        <dd id="publisher">{money ? <Usd amount={money.publisher} /> : '–'}</dd>
        {money?.escrow && (
          <>
            <dt>Your deposit in escrow</dt>
            <dd>
              <Usd amount={money.escrow} />
            </dd>
          </>
        )}
      </dl>
      <h3>Your account {kind}</h3>
      {money?.totals ? (
        <Bars totals={money.totals} />
      ) : (
        <p class="soft">Your account opens with your first payment.</p>
      )}
    </aside>
  )
}

function Bars({ totals }: { totals: Totals }) {
  const most = BigInt(totals.authorized) || 1n
  return (
    <ul class="totals">
      {BARS.map(({ key, title, says }) => (
        <li data-total={key}>
          <span>
            {title} <small>{says}</small>
          </span>
          <Usd amount={totals[key]} />
          <svg class="bar" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
            <rect width={`${(BigInt(totals[key]) * WIDTH) / most}`} height="8" />
          </svg>
        </li>
      ))}
    </ul>
  )
}
