import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AlertEvent, type AlertState, NO_ALERTS } from '../../src/alerts/alert.ts'
import {
  enqueue,
  FIRST_PAUSE_MS,
  GIVEN_UP_MS,
  LONGEST_PAUSE_MS,
  MAX_SENT,
  MAX_WAITING,
  pauseAfter,
  settle,
  take,
} from '../../src/alerts/outbox.ts'
import { runs } from '../runs.ts'

const A = { id: 'aaaa', host: 'a.example' }
const B = { id: 'bbbb', host: 'b.example' }

function message(id: string, at = 0): AlertEvent {
  const about = { alert: id, kind: 'gas_low', severity: 'critical', opened: at } as const
  return { id, type: 'alert.opened', at, ...about, subject: 's', figure: '1', link: '/x' }
}

function queued(messages: AlertEvent[], targets = [A], now = 0): AlertState {
  return { ...NO_ALERTS, ...enqueue(NO_ALERTS, messages, targets, now) }
}

const idsOf = (outbox: readonly { event: AlertEvent }[]) => outbox.map(({ event }) => event.id)

describe('The outbox', () => {
  it('keeps a message for each webhook until that one has accepted it', () => {
    const state = queued([message('1')], [A, B])
    const after = settle(
      { ...state, outbox: take(state.outbox, 0).outbox },
      [
        { webhook: 'aaaa', message: '1', isAccepted: true },
        { webhook: 'bbbb', message: '1', isAccepted: false },
      ],
      9,
    )
    expect(after.outbox).toMatchObject([{ webhook: 'bbbb', attempts: 1, dueAt: FIRST_PAUSE_MS }])
    expect(after.webhooks).toEqual([
      { ...A, acceptedAt: 9, failingSince: null },
      { ...B, acceptedAt: null, failingSince: 9 },
    ])
  })

  it('hands a message to one pass alone', () => {
    const { outbox } = queued([message('1')])
    const first = take(outbox, 0)
    expect(idsOf(first.due)).toEqual(['1'])
    expect(take(first.outbox, 0).due).toEqual([])
    expect(idsOf(take(first.outbox, FIRST_PAUSE_MS).due)).toEqual(['1'])
  })

  it('doubles the pause after each failure, up to six hours', () => {
    expect([1, 2, 3, 20].map(pauseAfter)).toEqual([
      FIRST_PAUSE_MS,
      2 * FIRST_PAUSE_MS,
      4 * FIRST_PAUSE_MS,
      LONGEST_PAUSE_MS,
    ])
  })

  it('sends at most twenty messages to a webhook in one pass, the oldest first', () => {
    const { outbox } = queued(Array.from({ length: MAX_SENT + 1 }, (_, at) => message(`${at}`)))
    const first = take(outbox, 0)
    expect(first.due).toHaveLength(MAX_SENT)
    expect(idsOf(take(first.outbox, 0).due)).toEqual([`${MAX_SENT}`])
  })

  it('holds at most 500 messages of a webhook, and gives up the oldest', () => {
    const { outbox } = queued(Array.from({ length: MAX_WAITING + 1 }, (_, at) => message(`${at}`)))
    expect(outbox).toHaveLength(MAX_WAITING)
    expect(outbox[0]?.event.id).toBe('1')
  })

  it('gives a message up after seven days, and all of a webhook that is gone', () => {
    const state = queued([message('1')], [A, B])
    expect(enqueue(state, [], [A], GIVEN_UP_MS - 1).outbox).toHaveLength(1)
    expect(enqueue(state, [], [A], GIVEN_UP_MS - 1).webhooks).toEqual([state.webhooks[0]])
    expect(enqueue(state, [], [A], GIVEN_UP_MS).outbox).toEqual([])
  })

  it('delivers every message at least once to a webhook that answers some of the time', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 12 }), fc.nat(30), (answers, count) => {
        let state = queued(Array.from({ length: count }, (_, at) => message(`${at}`)))
        const delivered = new Set<string>()
        for (let pass = 0, now = 0; pass < answers.length + 2; pass++, now += LONGEST_PAUSE_MS) {
          const isAccepted = answers[pass] ?? true
          const { outbox, due } = take(state.outbox, now)
          if (isAccepted) for (const { event } of due) delivered.add(event.id)
          const attempted = due.map(({ event, webhook }) => ({ webhook, message: event.id, isAccepted }))
          state = settle({ ...state, outbox }, attempted, now)
        }
        expect(delivered.size).toBe(count)
        expect(state.outbox).toEqual([])
      }),
      { numRuns: runs(100) },
    )
  })
})
