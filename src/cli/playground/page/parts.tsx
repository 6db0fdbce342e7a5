/** Parts of several steps. */
import type { Child } from 'hono/jsx/dom'
import { useState } from 'hono/jsx/dom'
import { formatUsd } from '../../money.ts'
import { answerText, type Exchange, reasonOf, requestText, type Sent, titleOf } from './exchange.ts'

/** An amount of micro-dollars, given as a decimal string. */
export function Usd({ amount }: { amount: string | bigint }) {
  const [whole = '', cents] = formatUsd(BigInt(amount)).split('.')
  return (
    <data value={`${amount}`}>
      ${BigInt(whole).toLocaleString('en')}.{cents}
    </data>
  )
}

/** An action of a person: whether it runs, and its fault. */
export type Action = { isBusy: boolean; fault: string; run(work: () => Promise<void>): void }

/** The state of one action. */
export function useAction(): Action {
  const [isBusy, setBusy] = useState(false)
  const [fault, setFault] = useState('')
  const run = (work: () => Promise<void>) => {
    setBusy(true)
    setFault('')
    work()
      .catch((cause: unknown) => setFault(cause instanceof Error ? cause.message : String(cause)))
      .finally(() => setBusy(false))
  }
  return { isBusy, fault, run }
}

/** A button that is disabled while its action runs. `go`: the step's main one. */
export function Act({
  action,
  work,
  off,
  go,
  children,
}: {
  action: Action
  work: () => Promise<void>
  off?: boolean | undefined
  go?: boolean
  children: Child
}) {
  return (
    <button
      class={go && off !== true ? 'btn go' : 'btn'}
      type="button"
      disabled={action.isBusy || off === true}
      onClick={() => action.run(work)}
    >
      {children}
    </button>
  )
}

/** Why the last action of a step failed. */
export function Fault({ action }: { action: Action }) {
  return (
    <p class="bad" role="alert">
      {action.fault}
    </p>
  )
}

/** A step: its number, its title, what it is for, and its content. */
export function Step({ number, title, children }: { number: number; title: string; children: Child }) {
  return (
    <section class="step" aria-labelledby={`step-${number}`}>
      <h2 id={`step-${number}`}>
        <span class="soft">{number}</span> {title}
      </h2>
      {children}
    </section>
  )
}

/** A request as text. */
export function RequestText({ sent }: { sent: Sent }) {
  return (
    <div class="wire">
      <h3>Request</h3>
      <pre class="code">{requestText(sent, false)}</pre>
      <Whole text={requestText(sent, true)} of="the request" />
    </div>
  )
}

/** An answer: how it ended, and its text. */
export function Answer({ exchange }: { exchange: Exchange }) {
  const { answer } = exchange
  return (
    <div class="wire">
      <h3>Answer</h3>
      <Verdict exchange={exchange} />
      <pre class="code">{answerText(answer, false)}</pre>
      <Whole text={`${answerText(answer, true)}\n\n${answer.body}`} of="the answer" />
    </div>
  )
}

function Whole({ text, of }: { text: string; of: string }) {
  return (
    <details>
      <summary>All of {of}</summary>
      <pre class="code">{text}</pre>
    </details>
  )
}

/** JSON that was decoded from a header. */
export function Decoded({ name, value }: { name: string; value: unknown }) {
  return (
    <details>
      <summary>
        <code>{name}</code>, decoded
      </summary>
      <pre class="code">{JSON.stringify(value, null, 2)}</pre>
    </details>
  )
}

/** One line that says how a request ended. */
export function Verdict({ exchange: { answer } }: { exchange: Exchange }) {
  if (answer.status < 300)
    return (
      <p>
        <span class="tag good">200, served</span> {titleOf(answer)}
      </p>
    )
  const reason = reasonOf(answer)
  // The first answer to every crawler: an offer, not a refusal.
  if (reason === 'Payment required')
    return (
      <p>
        <span class="tag">402, payment required</span>
      </p>
    )
  return (
    <p>
      <span class="tag warn">{answer.status}, refused</span> <code>{reason}</code>
    </p>
  )
}
