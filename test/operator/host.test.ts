import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Bindings } from '../../src/app/bindings.ts'
import worker from '../../src/worker.ts'
import { digestOf, TOKEN } from './harness.ts'

const PATHS = ['/api/openapi.json', '/api/accounts', '/me', '/keys', '/invoices/x/y', '/stripe']

async function statuses(host: string, bindings: Partial<Bindings>, paths = PATHS): Promise<number[]> {
  const all = {
    ...env,
    PRICE: '0.001',
    NETWORK: 'eip155:84532',
    OPERATOR_TOKEN_SHA256: await digestOf(TOKEN),
    PUBLIC_URL: 'https://till.example',
    ...bindings,
  }
  const authorization = `Bearer ${TOKEN}`
  const ask = async (path: string) => {
    const url = `https://${host}/_tab402${path}`
    const request = new Request<unknown, IncomingRequestCfProperties>(url, { headers: { authorization } })
    const response = await worker.fetch(request, all)
    await response.body?.cancel()
    return response.status
  }
  return Promise.all(paths.map(ask))
}

describe('The host of PUBLIC_URL', () => {
  it('alone serves what is below /_tab402 where a registry is bound', async () => {
    const SITES = {} as NonNullable<Bindings['SITES']>
    expect((await statuses('till.example', { SITES })).slice(0, 2)).toEqual([200, 200])
    expect((await statuses('TILL.example.', { SITES })).slice(0, 2)).toEqual([200, 200])
    for (const host of ['news.example', 'till.example.evil.example'])
      expect([host, await statuses(host, { SITES })]).toEqual([host, PATHS.map(() => 404)])
  })

  it('shares it with every host where no registry is bound', async () => {
    expect((await statuses('news.example', {})).slice(0, 2)).toEqual([200, 200])
  })
})

describe('A URL below /_tab402', () => {
  it('is answered 414 beyond the length that Cloudflare accepts', async () => {
    const start = 'https://till.example/_tab402'.length
    const paths = [16_384, 16_385].map((chars) => `/${'%c0_'.repeat(5_000)}`.slice(0, chars - start))
    expect(await statuses('till.example', {}, paths)).toEqual([404, 414])
  })
})
