import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Alert, type AlertEvent, type Found, NO_ALERTS, type Severity } from '../../src/alerts/alert.ts'
import {
  foldAlerts,
  MAX_OF_KIND,
  MAX_RESOLVED,
  muteAlert,
  OTHERS,
  QUIET_MS,
  REPEAT_MS,
} from '../../src/alerts/fold.ts'
import { HOUR_MS, MINUTE_MS } from '../../src/platform/time.ts'
import { runs } from '../runs.ts'

const START = Date.UTC(2026, 10, 27)
const WATCH_MS = 5 * MINUTE_MS

function found(subject: string, more: Partial<Found> = {}): Found {
  return { kind: 'gas_low', subject, severity: 'critical', figure: '1', link: '/x', ...more }
}

/** Passes at given moments, each with what it finds. `mute` mutes what is open before the pass. */
function life(passes: { at: number; found?: Found[]; unread?: string[]; muteUntil?: number }[]) {
  let alerts: Alert[] = []
  const messages: AlertEvent[] = []
  for (const { at, found = [], unread = [], muteUntil } of passes) {
    const now = START + at
    if (muteUntil !== undefined) alerts = alerts.map((one) => ({ ...one, mutedUntil: START + muteUntil }))
    const after = foldAlerts({ alerts }, { found, unread: new Set(unread), now })
    alerts = after.alerts
    messages.push(...after.messages)
  }
  return { alerts, types: messages.map(({ type }) => type.replace('alert.', '')), messages }
}

describe('foldAlerts', () => {
  it('opens an alert once, however often it is found', () => {
    const { alerts, messages } = life([
      { at: 0, found: [found('a'), found('a', { severity: 'warning' })] },
      { at: WATCH_MS, found: [found('a', { figure: '2' })] },
    ])
    expect(messages).toEqual([
      {
        id: 'alert-20261127T000000-1/1',
        type: 'alert.opened',
        at: START,
        alert: 'alert-20261127T000000-1',
        kind: 'gas_low',
        severity: 'critical',
        opened: START,
        subject: 'a',
        figure: '1',
        link: '/x',
      },
    ])
    expect(alerts).toMatchObject([{ figure: '2', opened: START, resolved: null }])
  })

  it('sends an open alert again a day after its last message', () => {
    const { types, messages } = life([
      { at: 0, found: [found('a')] },
      { at: REPEAT_MS - 1, found: [found('a')] },
      { at: REPEAT_MS, found: [found('a')] },
      { at: REPEAT_MS + WATCH_MS, found: [found('a')] },
    ])
    expect(types).toEqual(['opened', 'repeated'])
    expect(messages[1]).toMatchObject({ id: 'alert-20261127T000000-1/2', opened: START })
  })

  it('resolves an alert that was not found for ten minutes', () => {
    const passes = [{ at: 0, found: [found('a')] }, { at: WATCH_MS }, { at: QUIET_MS }, { at: HOUR_MS }]
    const { alerts, types } = life(passes)
    expect(types).toEqual(['opened', 'resolved'])
    expect(alerts).toMatchObject([{ resolved: START + QUIET_MS }])
  })

  it('sends nothing about an alert that flickers', () => {
    const flicker = Array.from({ length: 20 }, (_, pass) => ({
      at: pass * WATCH_MS,
      found: pass % 2 === 0 ? [found('a')] : [],
    }))
    expect(life(flicker).types).toEqual(['opened'])
  })

  it('sends an alert at once that becomes critical', () => {
    const { types } = life([
      { at: 0, found: [found('a', { severity: 'warning' })] },
      { at: WATCH_MS, found: [found('a')] },
    ])
    expect(types).toEqual(['opened', 'changed'])
  })

  it('neither opens nor resolves an alert whose figure or facts cannot be read', () => {
    const { alerts, types } = life([
      { at: 0, found: [found('a'), found('b', { kind: 'other' })] },
      {
        at: HOUR_MS,
        found: [found('a', { figure: null }), found('new', { figure: null })],
        unread: ['other'],
      },
    ])
    expect(types).toEqual(['opened', 'opened'])
    expect(alerts.map(({ subject, resolved, figure }) => [subject, resolved, figure])).toEqual([
      ['b', null, '1'],
      ['a', null, '1'],
    ])
  })

  it('sends an info once, neither daily nor when it is over', () => {
    const info = [found('a', { severity: 'info' })]
    expect(
      life([{ at: 0, found: info }, { at: REPEAT_MS, found: info }, { at: 2 * REPEAT_MS }]).types,
    ).toEqual(['opened'])
  })

  it('opens at most twenty alerts of a kind, and one more for the rest', () => {
    const many = Array.from({ length: MAX_OF_KIND + 5 }, (_, at) => found(`s${at}`))
    const { alerts, messages } = life([
      { at: 0, found: many.slice(0, MAX_OF_KIND) },
      { at: WATCH_MS, found: many.toReversed() },
    ])
    expect(messages).toHaveLength(MAX_OF_KIND + 1)
    expect(messages.at(-1)).toMatchObject({ subject: OTHERS, figure: '5 more' })
    expect(alerts.filter(({ subject }) => subject !== OTHERS).map(({ subject }) => subject)).not.toContain(
      `s${MAX_OF_KIND}`,
    )
  })

  it('keeps at most 200 resolved alerts, and none for longer than thirty days', () => {
    const nights = Array.from({ length: MAX_RESOLVED + 20 }, (_, night) => [
      { at: night * HOUR_MS, found: [found(`s${night}`)] },
      { at: night * HOUR_MS + QUIET_MS },
    ]).flat()
    expect(life(nights).alerts).toHaveLength(MAX_RESOLVED)
    expect(life([...nights, { at: 60 * REPEAT_MS }]).alerts).toEqual([])
  })

  it('gives an alert that opens again an id of its own', () => {
    const { alerts } = life([
      { at: 0, found: [found('a')] },
      { at: QUIET_MS },
      { at: HOUR_MS, found: [found('a')] },
    ])
    expect(alerts.map(({ id }) => id)).toEqual(['alert-20261127T010000-1', 'alert-20261127T000000-1'])
  })
})

describe('A muted alert', () => {
  it('sends nothing until the mute ends, also when it opens again meanwhile', () => {
    const { types } = life([
      { at: 0, found: [found('a')] },
      { at: WATCH_MS, found: [found('a', { severity: 'warning' })], muteUntil: 2 * HOUR_MS },
      { at: HOUR_MS },
      { at: HOUR_MS + WATCH_MS, found: [found('a')] },
      { at: 2 * HOUR_MS - 1, found: [found('a')] },
      { at: 2 * HOUR_MS, found: [found('a')] },
    ])
    expect(types).toEqual(['opened', 'opened'])
  })

  it('is found by its id while it is open', () => {
    const { alerts } = life([{ at: 0, found: [found('a')] }])
    const state = { ...NO_ALERTS, alerts }
    const id = alerts[0]?.id ?? ''
    expect(muteAlert(state, id, 7)?.alerts[0]?.mutedUntil).toBe(7)
    expect(muteAlert(state, 'alert-x', 7)).toBeNull()
    const resolved = { ...state, alerts: alerts.map((one) => ({ ...one, resolved: START })) }
    expect(muteAlert(resolved, id, 7)).toBeNull()
  })
})

describe('Any life of alerts', () => {
  const severities = fc.constantFrom<Severity>('critical', 'warning', 'info')
  const condition = fc.record({
    kind: fc.constantFrom('gas_low', 'node_behind'),
    subject: fc.constantFrom('a', 'b', 'c'),
    severity: severities,
    figure: fc.constantFrom('1', '2', null),
    link: fc.constant('/x'),
  })
  const pass = fc.record({
    gap: fc.constantFrom(1, WATCH_MS, HOUR_MS, REPEAT_MS),
    found: fc.array(condition, { maxLength: 6 }),
    unread: fc.subarray(['gas_low', 'node_behind']),
    mutes: fc.boolean(),
  })
  const lives = fc.array(pass, { maxLength: 30 }).map((passes) => {
    let at = 0
    return life(
      passes.map(({ gap, mutes, ...rest }) => {
        at += gap
        return { ...rest, at, ...(mutes && { muteUntil: at + 2 * HOUR_MS }) }
      }),
    )
  })

  it('has one open alert for a subject, and one message for an id', () => {
    fc.assert(
      fc.property(lives, ({ alerts, messages }) => {
        const open = alerts.filter(({ resolved }) => resolved === null)
        expect(new Set(open.map(({ kind, subject }) => `${kind} ${subject}`)).size).toBe(open.length)
        expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length)
        expect(new Set(alerts.map(({ id }) => id)).size).toBe(alerts.length)
      }),
      { numRuns: runs(300) },
    )
  })

  it('sends of one alert first that it opened, at most one repetition a day, and last that it is resolved', () => {
    fc.assert(
      fc.property(lives, ({ messages }) => {
        for (const own of Map.groupBy(messages, ({ alert }) => alert).values()) {
          const types = own.map(({ type }) => type)
          expect(types[0]).toBe('alert.opened')
          expect(types.slice(1)).not.toContain('alert.opened')
          expect(types.slice(0, -1)).not.toContain('alert.resolved')
          own.forEach(({ type, at }, index) => {
            const before = own[index - 1]
            if (type === 'alert.repeated') expect(at - (before?.at ?? 0)).toBeGreaterThanOrEqual(REPEAT_MS)
          })
        }
      }),
      { numRuns: runs(300) },
    )
  })
})
