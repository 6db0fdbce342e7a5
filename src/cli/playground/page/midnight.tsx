/** Step 6: the nightly runs, now. */
import { useState } from 'hono/jsx/dom'
import type { Money, Night } from '../calls.ts'
import type { Game } from './game.ts'
import { Act, Fault, Step, Usd, useAction } from './parts.tsx'
import { askMidnight, payInvoice } from './server.ts'

type Ended = Night & { before: string; after: string }

/** Shows it. */
export function Midnight({ game, money }: { game: Game; money: Money | null }) {
  const action = useAction()
  const [night, setNight] = useState<Ended | null>(null)
  const work = async () => {
    const before = (await game.refresh())?.publisher ?? '0'
    const run = await askMidnight()
    const after = (await game.refresh())?.publisher ?? '0'
    setNight({ ...run, before, after })
  }
  return (
    <Step number={6} title="Make it midnight">
      <p>
        At midnight UTC the paywall claims all vouchers from escrow in a few transactions, sends the money to
        the publisher, and bills each credit line.
      </p>
      <p class="row">
        <Act action={action} off={!game.keys} work={work}>
          Make it midnight
        </Act>
        {action.isBusy && <span role="status">The nightly runs are at work.</span>}
      </p>
      <Fault action={action} />
      <div role="status">{night && <Report night={night} />}</div>
      {money?.invoice && <Invoice game={game} invoice={money.invoice} />}
    </Step>
  )
}

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' })

function midnightOf(window: number): string {
  return `${DATE.format(window)}, 00:00 UTC`
}

function nameOf({ kind, rows }: Night['transactions'][number]): string {
  if (kind !== 'claim') return `1 ${kind}`
  return `1 claim for ${rows} ${rows === 1 ? 'tab' : 'tabs'}`
}

function Report({ night }: { night: Ended }) {
  return (
    <dl class="dl">
      <dt>Midnight</dt>
      <dd>
        <time datetime={new Date(night.window).toISOString()}>{midnightOf(night.window)}</time>
      </dd>
      <dt>Settlement</dt>
      <dd>
        {night.settlement}, <Usd amount={night.claimed} /> claimed from escrow, <Usd amount={night.swept} />{' '}
        sent to the publisher
      </dd>
      <dt>Transactions</dt>
      <dd>{night.transactions.map(nameOf).join(', ') || 'none'}</dd>
      <dt>Billing</dt>
      <dd>
        {night.billing},{' '}
        {night.invoices === 0
          ? 'no invoice: less than a cent waits for the next one'
          : `invoices: ${night.invoices}`}
      </dd>
      <dt>The publisher’s wallet</dt>
      <dd>
        <Usd amount={night.before} /> before, <Usd amount={night.after} /> after
      </dd>
    </dl>
  )
}

function Invoice({ game, invoice }: { game: Game; invoice: NonNullable<Money['invoice']> }) {
  const action = useAction()
  const work = async () => {
    await payInvoice(invoice.id)
    await game.refresh()
  }
  return (
    <div class="box">
      <h3>Invoice {invoice.id}</h3>
      {invoice.owed === '0' ? (
        <p>
          It is paid, and your account’s redeemed total has grown. Less than a cent waits for the next
          invoice.
        </p>
      ) : (
        <p>
          You owe <Usd amount={invoice.owed} />, with tax.
        </p>
      )}
      {invoice.owed !== '0' && (
        <p class="row">
          <Act action={action} work={work}>
            Pay it by bank transfer
          </Act>
        </p>
      )}
      <Fault action={action} />
    </div>
  )
}
