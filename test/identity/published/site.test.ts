/** Published addresses from the cron to the gate. */
import { createScheduledController, env } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SOURCES } from '../../../src/identity/published/sources.ts'
import { readLists, writeLists } from '../../../src/identity/published/store.ts'
import worker from '../../../src/worker.ts'
import { startPaywall } from '../../schemes/harness.ts'

const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
const WATCH = '*/5 * * * *'

/** Answers for the operators' servers. All other requests, such as those to the chain, go on. */
function serveLists(answer: (url: string) => Response | Promise<Response>) {
  const fetch = globalThis.fetch.bind(globalThis)
  const urls = new Set(SOURCES.map(({ url }) => url))
  return vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    return urls.has(url) ? answer(url) : fetch(input, init)
  })
}

const fire = () =>
  worker.scheduled(createScheduledController({ cron: WATCH, scheduledTime: new Date() }), env)

beforeEach(() => writeLists(env.LISTS, {}))
afterEach(() => {
  vi.restoreAllMocks()
})

describe('the cron', () => {
  it('stores every published list, which then decides who passes free', async () => {
    serveLists(() => Response.json({ prefixes: [{ ipv4Prefix: '192.0.2.0/24' }] }))
    await fire()
    expect(Object.keys(await readLists(env.LISTS)).sort()).toEqual(SOURCES.map(({ url }) => url).sort())
    const { ask } = startPaywall({
      RULES: [
        { path: '/open/*', who: 'search', action: 'allow' },
        { path: '/proved/*', who: 'search', verified: true, action: 'allow' },
      ],
    })
    const status = async (path: string, address: string) =>
      (await ask(path, { agent: GOOGLEBOT, headers: { 'cf-connecting-ip': address } })).status
    // The first request uses the shipped copy, which refutes nothing, and starts the reading of KV.
    expect(await status('/open/a', '198.51.100.1')).toBe(200)
    await vi.waitFor(async () => expect(await status('/open/a', '198.51.100.1')).toBe(402))
    expect(await status('/open/a', '192.0.2.1')).toBe(200)
    expect(await status('/proved/a', '192.0.2.1')).toBe(200)
    expect(await status('/proved/a', '198.51.100.1')).toBe(402)
  })

  it('does its other work while no list can be fetched', async () => {
    serveLists(() => Promise.reject(new TypeError('the network is down')))
    await expect(fire()).resolves.toBeUndefined()
    const stored = Object.values(await readLists(env.LISTS))
    expect(stored.length).toBe(SOURCES.length)
    expect(stored.every(({ fetchedAt }) => fetchedAt === 0)).toBe(true)
  })
})
