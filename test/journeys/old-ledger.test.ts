/** A ledger that an earlier version wrote: `test/fixtures` holds its state directory, with money still owed in it. */

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operatorClient } from '../../src/cli/demo/clients.ts'
import { runNightly } from '../../src/cli/demo/nightly.ts'
import { signingCrawler } from '../../src/cli/pay/agent.ts'
import { payAtOnce, payByVoucher } from '../../src/cli/pay/crawler.ts'
import { DAY_MS } from '../../src/platform/time.ts'
import { endAll, type Started, start } from './start.ts'

/**
 * Written by commit 7dbd8b1: a channel that was settled (10 pages); one with 7 pages claimed and 3 not; one `exact` payment; a
 * credit line with 20 pages on an open invoice and 5 pages unbilled. A page costs 1000 micro-dollars.
 */
const FIXTURE = fileURLToPath(new URL('../fixtures/ledger-7dbd8b1.tar.gz', import.meta.url))

/** The nightly run that billed in the fixture was for 2026-11-28. */
const LAST_BILLED = Date.UTC(2026, 10, 28)

const AGENT_KEY = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: 'fdRxZRQF6OwG0KJD3_oVPgImZxUKgTMtEzgcP6x_wtQ',
  x: 'Dns-yCQUO2B84iVTFQIT3ddA9YiycuKHS7SfE3OicR0',
}
const UNCLAIMED = '0x1f3bb20ec45631b73412722d73ddef54631af32ab5381eb87e21d94ab7935cee'

describe('ledger that version 0.1.0 wrote', { timeout: 120_000 }, () => {
  let directory = ''
  let stack: Started
  const api = async (path: string) => {
    const { url, token } = stack.facts.operator
    return (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })).json()
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tab402-old-'))
    execFileSync('tar', ['-xzf', FIXTURE, '-C', directory])
    stack = await start({ STATE_DIR: directory })
  }, 60_000)
  afterAll(async () => {
    await endAll()
    await rm(directory, { recursive: true })
  })

  it('opens with the same totals', async () => {
    expect(await api(`/accounts/${UNCLAIMED}`)).toMatchObject({
      standing: { charged: '10000', redeemed: '7000' },
    })
    expect(await api('/accounts/example-bot')).toMatchObject({
      standing: { charged: '25000', redeemed: '0' },
    })
  })

  it('charges its channels and its credit lines again', async () => {
    const { facts } = stack
    const page = `${facts.url}${facts.paths.charged}`
    const tab = await payByVoucher(facts.accounts[1]?.privateKey ?? '0x', facts.rpc)(page)
    expect(tab.channel?.charged).toBe(1000n)
    const crawler = await signingCrawler('ExampleBot', 'crawler.example', AGENT_KEY)
    // The rail's smallest invoice is one cent: five old pages and six new ones are enough.
    for (let pages = 0; pages < 6; pages++) {
      expect(await crawler.read(page)).toMatchObject({ served: true, charged: 1000n })
    }
  })

  it('settles and bills every amount owed when it was written', async () => {
    const night = await runNightly(stack.facts, operatorClient(stack.facts), LAST_BILLED + DAY_MS)
    expect(night).toMatchObject({
      settlement: { status: 'settled' },
      billing: { status: 'settled', record: { bill: { invoiced: '11000' } } },
    })
    expect(await api(`/accounts/${UNCLAIMED}`)).toMatchObject({
      standing: { charged: '11000', redeemed: '11000' },
    })
    const { invoices } = (await api('/invoices')) as { invoices: { net: string; stage: string }[] }
    expect(invoices.map(({ net, stage }) => [net, stage])).toEqual([
      ['11000', 'open'],
      ['20000', 'open'],
    ])
  })

  it('accepts the payment of an invoice that it sent', async () => {
    const { facts } = stack
    const { invoices } = (await api('/invoices')) as {
      invoices: { id: string; presented: { url: string } }[]
    }
    const url = invoices.at(-1)?.presented.url ?? ''
    await payAtOnce(facts.accounts[2]?.privateKey ?? '0x', facts.rpc)(url)
    expect(await api('/accounts/example-bot')).toMatchObject({
      standing: { charged: '31000', redeemed: '20000' },
    })
  })
})
