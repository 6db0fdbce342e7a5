/** Step 4: sign a payment, look at it, send it, and cheat with it. */
import { useState } from 'hono/jsx/dom'
import { type Exchange, fromBase64, headerJson, type Sent } from './exchange.ts'
import type { Game } from './game.ts'
import { ask, type Held } from './gate.ts'
import { Act, Answer, Decoded, Fault, RequestText, Step, useAction, Verdict } from './parts.tsx'
import { signedFor } from './signed.ts'
import { TRICKS, type Trick, tampered, type Way, WHY } from './tamper.ts'

const WAYS: readonly { way: Way; title: string }[] = [
  { way: 'once', title: 'Pay at once' },
  { way: 'tab', title: 'Pay on a tab' },
  { way: 'credit', title: 'Pay on credit' },
]

/** Shows it. */
export function Pay({ game }: { game: Game }) {
  const action = useAction()
  const [way, setWay] = useState<Way | null>(null)
  const [held, setHeld] = useState<Held | null>(null)
  const [exchange, setExchange] = useState<Exchange | null>(null)

  const [lost, setLost] = useState('')

  const sign = (chosen: Way) => async () => {
    const { gate, payer, facts, path } = game
    setWay(chosen)
    setExchange(null)
    setHeld(null)
    setLost('')
    const { buy } = await payer(chosen)
    await new Promise<void>((signed, failed) => {
      gate.hold = (next) => {
        setHeld(next)
        signed()
      }
      gate.paid = setExchange
      buy(`${facts.url}${path}`)
        .then(({ account }) => game.refresh({ id: account, way: chosen }))
        .catch((cause: Error) => {
          setLost(cause.message)
          failed(cause)
        })
    })
  }
  const send = async () => {
    setHeld(null)
    held?.go()
  }
  return (
    <Step number={4} title="Pay for it">
      <p>The payment is signed here and waits. Look at it, then send it.</p>
      <p class="row">
        {WAYS.map(({ way: one, title }) => (
          <Act action={action} off={!game.keys} go={game.next === 'pay' && way === null} work={sign(one)}>
            {title}
          </Act>
        ))}
      </p>
      <Fault action={action} />
      {lost !== '' && !exchange && (
        <p class="bad" role="alert">
          {lost}
        </p>
      )}
      {held && (
        <>
          <Payment sent={held.sent} />
          <p class="row">
            <Act action={action} go work={send}>
              Send it
            </Act>
          </p>
        </>
      )}
      {exchange && way && (
        <>
          <Payment sent={exchange.sent} />
          <Answer exchange={exchange} />
          <Decoded name="payment-response" value={headerJson(exchange.answer.headers, 'payment-response')} />
          <Tamper game={game} way={way} exchange={exchange} />
        </>
      )}
    </Step>
  )
}

function Payment({ sent }: { sent: Sent }) {
  const payment = fromBase64(sent.headers['payment-signature'] ?? '')
  return (
    <>
      <p>{signedFor(payment)}</p>
      <RequestText sent={sent} />
      <Decoded name="payment-signature" value={payment} />
    </>
  )
}

function Tamper({ game, way, exchange }: { game: Game; way: Way; exchange: Exchange }) {
  const action = useAction()
  const [done, setDone] = useState<{ trick: Trick; exchange: Exchange } | null>(null)
  const attempt = (trick: Trick) => async () => {
    const { facts, refresh } = game
    const { sent } = exchange
    const other = facts.paths.map((one) => `${facts.url}${one}`).find((url) => url !== sent.url)
    setDone({ trick, exchange: await ask(tampered(sent, trick, other ?? `${sent.url}?other`)) })
    await refresh()
  }
  return (
    <>
      <h3>Cheat with it</h3>
      <p class="row">
        {(Object.keys(TRICKS) as Trick[]).map((trick) => (
          <Act action={action} work={attempt(trick)}>
            {TRICKS[trick]}
          </Act>
        ))}
      </p>
      <Fault action={action} />
      <div role="status">
        {done && (
          <>
            <Verdict exchange={done.exchange} />
            <p>{WHY[way][done.trick]}</p>
          </>
        )}
      </div>
    </>
  )
}
