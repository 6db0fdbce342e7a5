import { SELF } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { newOperator } from './harness.ts'

describe('GET /api/explain', () => {
  it('returns the class, the rule, the price and the headers of the 402', async () => {
    const { get } = await newOperator()
    const { status, body } = await get('/api/explain?url=/articles/1%3Fpage%3D2&as=GPTBot')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      url: 'https://site.example/articles/1?page=2',
      client: { kind: 'crawler', name: 'GPTBot', class: 'training' },
      outcome: 'charge',
      status: 402,
      decision: { action: 'charge', price: '1000' },
      readings: [{ reading: '/articles/1?page=2' }],
    })
    expect(body.headers).toHaveProperty('payment-required')
  })

  it('explains what the Worker then answers', async () => {
    const { get } = await newOperator()
    const { body } = await get('/api/explain?url=https://site.example/a&as=GPTBot')
    const answer = await SELF.fetch('https://site.example/a', {
      headers: { 'user-agent': String(body.userAgent) },
    })
    const { headers } = body as { headers: Record<string, string> }
    expect(answer.status).toBe(body.status)
    expect(answer.headers.get('payment-required')).toBe(headers['payment-required'])
  })

  it('returns every error of a query at once', async () => {
    const { get } = await newOperator()
    const { status, body } = await get('/api/explain?url=ftp://x&method=TRACE&ip=here&signed=a%20b')
    expect([status, body.code]).toEqual([400, 'invalid'])
    expect((body.errors as { path: string }[]).map(({ path }) => path)).toEqual([
      'url',
      'as',
      'method',
      'ip',
      'signed',
    ])
  })
})
