/** The page: seven steps of a crawler's day, and the money beside them. */
import { useEffect, useRef, useState } from 'hono/jsx/dom'
import type { Facts, Money } from '../calls.ts'
import { Ask } from './ask.tsx'
import type { Game } from './game.ts'
import { Gate } from './gate.ts'
import { forgetKeys, type Keys, makeKeys } from './keys.ts'
import { Midnight } from './midnight.tsx'
import { Misbehave } from './misbehave.tsx'
import { MoneyPanel } from './money.tsx'
import { Act, Fault, Step, Usd, useAction } from './parts.tsx'
import { Pay } from './pay.tsx'
import { type Payer, payerOf } from './payers.ts'
import { askFaucet, askMoney } from './server.ts'
import type { Way } from './tamper.ts'

const KINDS: Record<Way, string> = { once: 'for payments at once', tab: 'on a tab', credit: 'on credit' }

/** Shows it. `kept`: the keys of this browser tab. */
export function App({ facts, kept }: { facts: Facts; kept: Keys | null }) {
  const [keys, setKeys] = useState<Keys | null>(kept)
  const [path, setPath] = useState(facts.paths.find((one) => one.includes('tally')) ?? facts.paths[0] ?? '/')
  const [money, setMoney] = useState<Money | null>(null)
  const [kind, setKind] = useState('')
  const [isAsked, setAsked] = useState(false)
  const [bought, setBought] = useState<Way | null>(null)
  const account = useRef<string | null>(null)
  const gate = useRef(new Gate())
  const payers = useRef(new Map<Way, Promise<Payer>>())

  const refresh: Game['refresh'] = async (of) => {
    if (!keys) return null
    if (of) {
      account.current = of.id
      setKind(KINDS[of.way])
      setBought(of.way)
    }
    const asked = await askMoney({ address: keys.address, account: account.current ?? null })
    setMoney(asked)
    return asked
  }
  const payer = async (way: Way): Promise<Payer> => {
    if (!keys) throw new Error('Make a key first.')
    const made = payers.current?.get(way) ?? payerOf(way, facts, keys, gate.current ?? new Gate())
    payers.current?.set(way, made)
    made.catch(() => payers.current?.delete(way))
    return made
  }
  useEffect(() => void refresh(), [keys])
  const isFunded = money !== null && money.wallet !== '0'
  const next = isFunded ? (isAsked ? 'pay' : 'ask') : 'faucet'
  const game: Game = { next, facts, keys, path, gate: gate.current ?? new Gate(), payer, refresh }
  return (
    <div class="play">
      <main>
        <h1>Be a crawler</h1>
        <p>
          This page is a crawler that you steer. Ask a paywall for a page, pay for it in three ways, cheat,
          and make it midnight. All of it runs on this machine: the chain, the publisher’s site and the money,
          which is worth nothing.
        </p>
        <Key keys={keys} made={setKeys} />
        <Coins game={game} money={money} />
        <Ask game={game} choose={setPath} asked={() => setAsked(true)} />
        <Pay game={game} />
        <More game={game} way={bought} />
        <Midnight game={game} money={money} />
        <Misbehave game={game} />
      </main>
      <MoneyPanel money={money} kind={kind} />
    </div>
  )
}

function begin(): void {
  forgetKeys()
  location.reload()
}

function Key({ keys, made }: { keys: Keys | null; made(keys: Keys): void }) {
  const action = useAction()
  return (
    <Step number={1} title="Make a key">
      <p>A crawler needs no account. It has a key, and pays by signing.</p>
      {keys ? (
        <p>
          You are <code>{keys.address}</code>. The key is in this browser tab, and ends with it.{' '}
          <button class="link" type="button" onClick={begin}>
            Begin again with a new key
          </button>
        </p>
      ) : (
        <p class="row">
          <Act action={action} go work={async () => made(await makeKeys())}>
            Make a key
          </Act>
        </p>
      )}
      <Fault action={action} />
    </Step>
  )
}

function Coins({ game: { keys, next, refresh }, money }: { game: Game; money: Money | null }) {
  const action = useAction()
  const take = async () => {
    if (keys) await askFaucet(keys.address)
    await refresh()
  }
  const isFunded = money !== null && money.wallet !== '0'
  return (
    <Step number={2} title="Get a dollar">
      <p>The faucet mints one USDC, a digital dollar, on the chain of this machine.</p>
      <p class="row">
        <Act action={action} go={next === 'faucet'} off={!keys} work={take}>
          Ask the faucet
        </Act>
        {isFunded && (
          <span>
            You have <Usd amount={money.wallet} />.
          </span>
        )}
      </p>
      <Fault action={action} />
    </Step>
  )
}

const MORE = 10
const READ: Record<Way, string> = { once: 'at once', tab: 'on a tab', credit: 'on credit' }

function More({ game, way }: { game: Game; way: Way | null }) {
  const action = useAction()
  const [read, setRead] = useState('')
  const work = async () => {
    if (!way) return
    const { facts, path, gate, payer, refresh } = game
    const pages = facts.paths.length > 0 ? facts.paths : [path]
    const { buy } = await payer(way)
    gate.hold = null
    gate.paid = () => {}
    for (let count = 1; count <= MORE; count++) {
      const { account } = await buy(`${facts.url}${pages[count % pages.length]}`)
      setRead(`${count} of ${MORE} pages read ${READ[way]}`)
      await refresh({ id: account, way })
    }
  }
  return (
    <Step number={5} title="Read ten more">
      <p>
        Your payments now go without a stop. Watch the three totals: each page raises what you have authorized
        and what was charged. Nothing is redeemed before midnight, unless you pay at once.
      </p>
      <p class="row">
        <Act action={action} off={!way} work={work}>
          Read ten more pages {way && READ[way]}
        </Act>
        <span role="status">{read}</span>
      </p>
      {!way && <p class="soft">Pay for a first page above.</p>}
      <Fault action={action} />
    </Step>
  )
}
