import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import app from '../../examples/hono/worker.ts'
import { middleware } from '../../src/adapters/hono.ts'
import { chainHere } from '../chain/here.ts'
import { channelFetch } from '../upstream.ts'

const { rpcUrl, accounts } = chainHere()
const vars = { ...env, ORIGIN: 'self' }
const site = (async (input: RequestInfo, init?: RequestInit) =>
  app.fetch(new Request(input, init), vars)) as typeof fetch
const [payer] = accounts.slice(-1)

describe('Hono middleware', () => {
  it('leaves routes alone that are not behind it', async () => {
    expect(await (await site('https://weather.test/')).text()).toContain('Weather for machines')
  })

  it('returns 402 without running the handler', async () => {
    const response = await site('https://weather.test/forecast/utrecht')
    expect(response.status).toBe(402)
    const { accepts } = JSON.parse(atob(response.headers.get('payment-required') ?? ''))
    expect(accepts[0]).toMatchObject({ amount: '2000' })
  })

  it('returns 402 to HEAD, which Hono would answer with the GET handler', async () => {
    expect((await site('https://weather.test/forecast/utrecht', { method: 'HEAD' })).status).toBe(402)
  })

  it('charges an unmodified client for a GET and for a POST whose body the handler reads', async () => {
    if (!payer) throw new Error('no payer')
    const { fetch: paying } = channelFetch(site, payer, rpcUrl)
    const got = await paying('https://weather.test/forecast/utrecht')
    expect(await got.json()).toEqual({ city: 'utrecht', degrees: 17 })
    expect(got.headers.get('cache-control')).toBe('private, no-store')
    const posted = await paying('https://weather.test/forecast/delft', { method: 'POST', body: '{"days":2}' })
    expect(await posted.json()).toEqual({ city: 'delft', degrees: [17, 17] })
    const receipt = JSON.parse(atob(posted.headers.get('payment-response') ?? ''))
    expect(receipt.extra.channelState.chargedCumulativeAmount).toBe('4000')
  })

  it('charges nothing when the handler returns 404', async () => {
    if (!payer) throw new Error('no payer')
    const { fetch: paying } = channelFetch(site, payer, rpcUrl)
    const failed = await paying('https://weather.test/forecast/atlantis')
    expect(failed.status).toBe(404)
    expect(failed.headers.has('payment-response')).toBe(false)
  })

  it('keeps its refusal whether a handler started meanwhile succeeds or throws', async () => {
    for (const ends of ['well', 'badly'] as const) {
      const slow = Promise.withResolvers<void>()
      const app = new Hono()
      app.use(async (_, next) => {
        await next()
        slow.resolve()
        await scheduler.wait(20)
      })
      app.use(
        middleware(() => async (request, content) => {
          const path = { path: '/', match: '/', search: '' }
          content.buy(request, path, null).then(
            ({ body }) => body?.cancel(),
            () => undefined,
          )
          return new Response('pay first', { status: 402 })
        }),
      )
      app.get('/', async () => {
        await slow.promise
        if (ends === 'badly') throw new Error('a fault of the handler')
        return new Response('the page')
      })
      const response = await app.request('/')
      expect(response.status).toBe(402)
      expect(await response.text()).toBe('pay first')
    }
  })
})
