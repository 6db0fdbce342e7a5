/** Faults of the surroundings, that no call draws: they come at a time of their own, and end. */
import { MINUTE_MS } from '../src/platform/time.ts'
import type { Chain } from './chain/chain.ts'
import type { Node } from './chain/node.ts'
import { type Deployment, RELAYER, RELAYER_WEI } from './deployment.ts'
import type { Stripe } from './stripe.ts'
import { world } from './world.ts'

/** How many troubles come in a day, on average. */
const PER_DAY = 12

/** All that can be in trouble. `stripe`: null in a run without credit. */
export type Surroundings = {
  deployment: Deployment
  chain: Chain
  nodes: readonly Node[]
  stripe: Stripe | null
}

type Trouble = (surroundings: Surroundings) => void

/** The troubles by name. Each ends by itself. */
const TROUBLES: Record<string, Trouble> = {
  'fee spike': ({ chain }) => chain.spike(minutes('spike', 15)),
  'node down': ({ nodes }) => {
    const node = world().choices.pick('node', nodes)
    node.isDown = true
    ends('node up', minutes('node down', 30), () => {
      node.isDown = false
    })
  },
  'node stale': ({ nodes }) => {
    const node = world().choices.pick('node', nodes)
    node.lag = world().choices.between('lag', 10, 200)
    ends('node fresh', minutes('node stale', 20), () => {
      node.lag = 0
    })
  },
  'd1 down': ({ deployment }) => {
    deployment.book.isDown = true
    ends('d1 up', minutes('d1 down', 20), () => {
      deployment.book.isDown = false
    })
  },
  'isolate restart': ({ deployment }) => world().choices.pick('isolate', deployment.isolates).restart(),
  'relayer empty': ({ chain }) => {
    const { wei } = chain.at()
    const had = wei.get(RELAYER) ?? 0n
    wei.set(RELAYER, 0n)
    world().count('relayer empty')
    ends('relayer funded', minutes('relayer empty', 15), () => {
      const { wei } = chain.at()
      wei.set(RELAYER, (wei.get(RELAYER) ?? 0n) + had)
    })
  },
  'object crashes': ({ deployment }) => {
    const hosts = [...deployment.namespaces.values()].flatMap(({ hosts }) => [...hosts.values()])
    if (hosts.length > 0) world().choices.pick('host', hosts).crash()
  },
  'stripe down': ({ stripe }) => {
    if (!stripe) return
    stripe.isDown = true
    ends('stripe up', minutes('stripe down', 90), () => {
      stripe.isDown = false
    })
  },
}

/** Lets troubles come until the run heals. */
export function startTroubles(surroundings: Surroundings): void {
  const here = world()
  const { choices } = here
  const kinds = Object.keys(TROUBLES).filter(
    (kind) => (surroundings.stripe || kind !== 'stripe down') && choices.chance(`has ${kind}`, 0.6),
  )
  if (kinds.length === 0) return
  const next = () => {
    if (choices.isHealing) return
    const wait = (choices.number('trouble pause') * 2 * (24 * 60 * MINUTE_MS)) / PER_DAY
    here.after(wait, 'trouble', () => {
      const kind = choices.pick('trouble', kinds)
      if (choices.strikes(kind, 'trouble', 1)) TROUBLES[kind]?.(surroundings)
      next()
    })
  }
  next()
}

/** Puts everything right. */
export function heal({ deployment, chain, nodes, stripe }: Surroundings): void {
  world().choices.isHealing = true
  world().note('heal')
  chain.endSpike()
  deployment.book.isDown = false
  if (stripe) stripe.isDown = false
  // A reorganization may have undone what the operator has sent to the relayer.
  chain.at().wei.set(RELAYER, RELAYER_WEI)
  for (const node of nodes) {
    node.isDown = false
    node.lag = 0
  }
  for (const isolate of deployment.isolates) isolate.restart()
}

function minutes(what: string, most: number): number {
  return world().choices.between(`minutes of ${what}`, 1, most) * MINUTE_MS
}

function ends(what: string, ms: number, work: () => void): void {
  world().after(ms, what, work)
}
