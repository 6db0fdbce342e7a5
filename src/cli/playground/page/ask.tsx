/** Step 3: ask for a page without paying, and read the 402. */
import { useState } from 'hono/jsx/dom'
import { type Exchange, headerJson } from './exchange.ts'
import type { Game } from './game.ts'
import { ask, USER_AGENT } from './gate.ts'
import { Act, Answer, Decoded, Fault, RequestText, Step, Usd, useAction } from './parts.tsx'

type Offer = { scheme: string; network: string; amount: string; payTo: string }
type Required = { error?: string; accepts: Offer[] }

/** Shows it. */
export function Ask({ game, choose, asked }: { game: Game; choose(path: string): void; asked(): void }) {
  const { facts, keys, next, path } = game
  const action = useAction()
  const [exchange, setExchange] = useState<Exchange | null>(null)
  const work = async () => {
    const headers = { 'user-agent': USER_AGENT }
    setExchange(await ask({ method: 'GET', url: `${facts.url}${path}`, headers }))
    asked()
  }
  return (
    <Step number={3} title="Ask for a page">
      <p>
        People read this page free. A crawler gets 402 Payment Required, with the ways in which it can pay.
      </p>
      <p class="row ends">
        <label for="page">
          Page <Path paths={facts.paths} path={path} choose={choose} />
        </label>
        <Act action={action} go={next === 'ask'} off={!keys} work={work}>
          Ask without paying
        </Act>
      </p>
      <Fault action={action} />
      {exchange && (
        <>
          <RequestText sent={exchange.sent} />
          <Answer exchange={exchange} />
          <Offers exchange={exchange} />
        </>
      )}
    </Step>
  )
}

function Path({ paths, path, choose }: { paths: string[]; path: string; choose(path: string): void }) {
  const pick = (event: Event) => {
    const { value } = event.target as HTMLInputElement | HTMLSelectElement
    choose(value.startsWith('/') ? value : `/${value}`)
  }
  if (paths.length === 0) return <input id="page" value={path} onInput={pick} />
  return (
    <select id="page" onChange={pick}>
      {paths.map((one) => (
        <option value={one} selected={one === path}>
          {one}
        </option>
      ))}
    </select>
  )
}

function Offers({ exchange: { answer } }: { exchange: Exchange }) {
  const required = headerJson(answer.headers, 'payment-required') as Required | undefined
  if (!required) return <p>The answer asks for no payment: crawlers read this page free.</p>
  return (
    <>
      <h3>The offers, decoded</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">Way</th>
            <th scope="col">In x402</th>
            <th scope="col" class="n">
              Price
            </th>
          </tr>
        </thead>
        <tbody>
          {required.accepts.map((offer) => (
            <tr>
              <th scope="row">{wayOf(offer)}</th>
              <td>
                <code>{offer.scheme}</code>
              </td>
              <td class="n">
                <Usd amount={offer.amount} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Decoded name="payment-required" value={required} />
    </>
  )
}

function wayOf({ scheme, network }: Offer): string {
  if (scheme === 'exact') return 'At once: one transfer for each page'
  return network.endsWith(':402')
    ? 'On credit: sign now, get an invoice'
    : 'On a tab: deposit once, sign for each page'
}
