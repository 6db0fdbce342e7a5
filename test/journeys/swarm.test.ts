/** `tab402 swarm` and `tab402 sign` against a stack that runs, as a person uses them. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endAll, type Started, start } from './start.ts'

const TIMEOUT_MS = 180_000

let started: Started
let folder: string
let stack: string
let url: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tab402-swarm-'))
  stack = join(folder, 'stack.json')
  started = await start()
  await writeFile(stack, started.printed)
  url = `${started.facts.url}${started.facts.paths.charged}`
}, TIMEOUT_MS)

afterAll(async () => {
  await endAll()
  await rm(folder, { recursive: true })
})

function tab402(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done, reject) => {
    execFile(
      process.execPath,
      ['src/cli/main.ts', ...args],
      { maxBuffer: 1 << 26 },
      (cause, stdout, stderr) => {
        if (cause && typeof cause.code !== 'number') reject(cause)
        else done({ code: Number(cause?.code ?? 0), stdout, stderr })
      },
    )
  })
}

async function chargedIn(total: string): Promise<bigint> {
  const { url: api, token } = started.facts.operator
  const answer = await fetch(`${api}/accounts?limit=500`, { headers: { authorization: `Bearer ${token}` } })
  const { accounts } = (await answer.json()) as { accounts: { id: string }[] }
  expect(accounts.length, total).toBeGreaterThan(0)
  const each = await Promise.all(
    accounts.map(async ({ id }) => {
      const one = await fetch(`${api}/accounts/${encodeURIComponent(id)}?limit=1`, {
        headers: { authorization: `Bearer ${token}` },
      })
      return BigInt(((await one.json()) as { standing?: { charged: string } }).standing?.charged ?? 0)
    }),
  )
  return each.reduce((sum, charged) => sum + charged, 0n)
}

describe('tab402 swarm', { timeout: TIMEOUT_MS }, () => {
  it('needs no more than the URL of a stack: it reports latency and money, and a nightly run that settles', async () => {
    const how = ['--rate', '8/s', '--for', '4s', '--nights', '1', '--json']
    const { code, stdout } = await tab402('swarm', url, ...how)
    const report = JSON.parse(stdout)
    expect(code).toBe(0)
    expect(report).toMatchObject({ version: 1, url, seed: 1, failures: {} })
    expect(report.money).toMatchObject({ servedUnpaid: '0', overpaid: '0', charged: report.money.delivered })
    expect(report.money.pages).toBeGreaterThan(0)
    const [{ claimed, swept, received }] = report.nights
    expect(report.nights).toMatchObject([{ status: 'settled', unsettled: '0' }])
    expect({ claimed, received }).toEqual({ claimed: swept, received: swept })
    expect(report.latency.honest.p50).toBeGreaterThan(0)
    const counted = Object.values(report.latency as Record<string, { count: number }>)
    expect(counted.reduce((sum, { count }) => sum + count, 0)).toBe(report.arrivals)
  })
})

describe('tab402 sign', { timeout: TIMEOUT_MS }, () => {
  it('prints requests that the Worker serves, each once, in the order of the file', async () => {
    const { code, stdout, stderr } = await tab402(
      'sign',
      url,
      '--stack',
      stack,
      '--count',
      '7',
      '--lanes',
      '2',
    )
    expect({ code, stderr: stderr.split('\n').at(-2) }).toEqual({ code: 0, stderr: '7 requests in 2 lanes.' })
    const requests = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const before = await chargedIn('before')
    for (const { url, headers } of requests) expect((await fetch(url, { headers })).status).toBe(200)
    expect((await chargedIn('after')) - before).toBe(7n * 1_000n)
  })

  it('signs one request for a lane, though the client has a least deposit of three pages', async () => {
    const { code, stdout } = await tab402('sign', url, '--stack', stack, '--count', '1')
    expect(code).toBe(0)
    const { url: page, headers } = JSON.parse(stdout)
    expect((await fetch(page, { headers })).status).toBe(200)
  })
})
