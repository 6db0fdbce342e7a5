/** A publisher's trial: the Worker in front of a site in shadow mode, without a wallet or a node. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningWorker, startWorker } from '../../src/testing/stack/workerd.ts'
import { fire, NIGHTLY, runAt, startPages } from './site.ts'

const TOKEN = 'a-token-that-only-the-tests-know'
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
// Miniflare compresses answers that the origin does not.
const PLAIN = { 'accept-encoding': 'identity' }
const RULES = [{ path: '/shut/*', action: 'block' }]

let origin: Awaited<ReturnType<typeof startPages>>
let worker: RunningWorker
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tab402-shadow-'))
  origin = await startPages()
  worker = await startWorker({
    port: undefined,
    directory,
    vars: {
      MODE: 'shadow',
      ORIGIN: origin.url,
      RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
      PRICE: '0.002',
      RULES: JSON.stringify(RULES),
      OPERATOR_TOKEN_SHA256: createHash('sha256').update(TOKEN).digest('hex'),
    },
    log: () => undefined,
  })
})
afterAll(async () => {
  await worker.stop()
  await origin.stop()
  await rm(directory, { recursive: true })
})

function ask(path: string, agent: string, init: RequestInit = {}): Promise<Response> {
  return fetch(worker.url + path, { ...init, headers: { ...PLAIN, 'user-agent': agent } })
}

async function api(path: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`${worker.url}/_tab402/api${path}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  })
  return (await answer.json()) as Record<string, unknown>
}

/** An answer as a client sees it. */
async function seen(answer: Response) {
  const headers = [...answer.headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name))
  return { status: answer.status, headers, body: await answer.text() }
}

describe('shadow mode', { timeout: 60_000 }, () => {
  it.each([
    ['/page', 'GPTBot/1.2', 'GET'],
    ['/shut/page', 'GPTBot/1.2', 'GET'],
    ['/page', BROWSER, 'GET'],
    ['/a//b;c', 'curl/8', 'GET'],
    ['/page', 'GPTBot/1.2', 'OPTIONS'],
    ['/robots.txt', 'GPTBot/1.2', 'GET'],
  ])('answers %s for %s (%s) as the origin does', async (path, agent, method) => {
    const direct = await fetch(origin.url + path, { method, headers: { ...PLAIN, 'user-agent': agent } })
    expect(await seen(await ask(path, agent, { method }))).toEqual(await seen(direct))
  })

  it('sums by crawler, rule and path what would have been asked', async () => {
    await ask('/story', 'ClaudeBot/1.0')
    await ask('/story', 'ClaudeBot/1.0')
    const day = new Date().toISOString().slice(0, 10)
    const sums = async () => (await api(`/shadow?day=${day}`)) as { crawlers: { crawler: string }[] }
    const ofClaude = async () => (await sums()).crawlers.filter(({ crawler }) => crawler === 'ClaudeBot')
    await expect
      .poll(ofClaude, { timeout: 10_000 })
      .toEqual([{ crawler: 'ClaudeBot', class: 'training', requests: 2, pages: 2, asked: '4000' }])
    expect(await sums()).toMatchObject({
      rules: expect.arrayContaining([
        { rule: 'RULES[0]', action: 'block', requests: 1, pages: 0, asked: '0' },
      ]),
      paths: expect.arrayContaining([{ path: '/story', requests: 2, pages: 2, asked: '4000' }]),
    })
  })

  it('sums the day in a nightly run', async () => {
    const midnight = new Date()
    midnight.setUTCHours(24, 0, 0, 0)
    await fire({ facts: worker }, NIGHTLY, midnight.getTime())
    const run = async () => (await api(`/runs/${runAt(midnight.getTime(), 'shadow')}`)).run
    await expect.poll(run, { timeout: 20_000 }).toMatchObject({
      kind: 'shadow',
      status: 'settled',
      record: {
        shadow: { crawlers: expect.arrayContaining([expect.objectContaining({ crawler: 'GPTBot' })]) },
      },
    })
  })
})
