/** Step 7: crawlers that misbehave, and what they got away with. */
import { useState } from 'hono/jsx/dom'
import type { Misbehaving, Result } from '../calls.ts'
import type { Game } from './game.ts'
import { Act, Fault, Step, Usd, useAction } from './parts.tsx'
import { askCrawler } from './server.ts'

/** Shows it. */
export function Misbehave({ game: { facts, path } }: { game: Game }) {
  const action = useAction()
  const [done, setDone] = useState<{ crawler: Misbehaving; result: Result } | null>(null)
  const work = (crawler: Misbehaving) => async () =>
    setDone({ crawler, result: await askCrawler(crawler.is, path) })
  return (
    <Step number={7} title="Misbehave in earnest">
      <p>
        These are crawlers of <code>tab402/lab</code>. Each has a key and a tab of its own, and tries hard to
        read more than it pays for.
      </p>
      <dl class="crew">
        {facts.crawlers.map((crawler) => (
          <div>
            <dt>
              <Act action={action} work={work(crawler)}>
                {crawler.title}
              </Act>
            </dt>
            <dd>{crawler.does}</dd>
          </div>
        ))}
      </dl>
      <Fault action={action} />
      <div role="status">
        {action.isBusy ? (
          <p>The crawler is at work. It sends up to some hundred requests.</p>
        ) : (
          done && <Score {...done} />
        )}
      </div>
    </Step>
  )
}

function Score({ crawler, result }: { crawler: Misbehaving; result: Result }) {
  // The first answer to every crawler is an offer, not a refusal.
  const refusals = Object.entries(result.byReason).filter(([reason]) => reason !== 'Payment required')
  return (
    <>
      <h3>{crawler.title}</h3>
      <dl class="dl">
        <dt>Requests</dt>
        <dd>{result.requests}</dd>
        <dt>Pages that it got</dt>
        <dd>
          {result.pages}, worth <Usd amount={result.delivered} />
        </dd>
        <dt>Charged</dt>
        <dd>
          <Usd amount={result.charged} />
        </dd>
        <dt>Stolen</dt>
        <dd class={result.stolen === '0' ? 'good' : 'bad'}>
          <Usd amount={result.stolen} />
        </dd>
        <dt>Refused</dt>
        <dd>{refusals.reduce((sum, [, count]) => sum + count, 0)} requests</dd>
      </dl>
      {refusals.length > 0 && (
        <details>
          <summary>Why each was refused</summary>
          <dl class="dl">
            {refusals.map(([reason, count]) => (
              <>
                <dt>{count} ×</dt>
                <dd>
                  <code>{reason}</code>
                </dd>
              </>
            ))}
          </dl>
        </details>
      )}
    </>
  )
}
