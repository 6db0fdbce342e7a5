/** Errors as problem details (RFC 9457), and request bodies against the schemas of the OpenAPI document. */
import { describe, expect, it } from 'vitest'
import type { Schema } from '../../src/operator/json-schema.ts'
import { openApi } from '../../src/operator/openapi.ts'
import { PROBLEMS, problemOf } from '../../src/operator/problem.ts'
import { newCrawler } from '../identity/harness.ts'
import { agentForm, newOperator } from './harness.ts'
import { faultsOf } from './schema.ts'

const schemas: Record<string, Schema> = openApi.components.schemas

describe('an error of the API', () => {
  it('is problem details whose type is a row of the OpenAPI document', async () => {
    const { get } = await newOperator()
    const { status, headers, body } = await get('/api/agents/unknown-agent')
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body).toEqual({
      type: '/_tab402/api/openapi.json#/x-problems/not_found',
      title: 'Not found',
      status,
      detail: PROBLEMS.not_found.detail,
      code: 'not_found',
    })
    expect(openApi['x-problems'].not_found.title).toBe(body.title)
  })

  it('lists every error of a request with its path, message and expected value', async () => {
    const { post } = await newOperator()
    const form = {
      ...agentForm(await newCrawler()),
      name: 5,
      colour: 'red',
      buyer: { name: 'A', country: 'x' },
    }
    const { body } = await post('/api/agents', form)
    expect(body).toMatchObject({ title: 'The request has errors', status: 400, code: 'invalid' })
    expect(body.errors).toEqual([
      { path: 'name', message: 'must be a string', expected: 'one line of text, at most 100 characters' },
      {
        path: 'buyer.country',
        message: 'must be a country code',
        expected: 'an ISO 3166 code of two capital letters, for example "US"',
      },
      {
        path: 'colour',
        message: 'must be a known member',
        expected: 'id, name, url, keys, creditLimit, probation, period, rail, tier, buyer',
      },
    ])
  })

  it('says the expected value for a member named like a method of every object', async () => {
    const { post } = await newOperator()
    const { body } = await post('/api/agents', { ...agentForm(await newCrawler()), toString: 1 })
    expect(body.errors).toMatchObject([{ path: 'toString', expected: expect.stringContaining('buyer') }])
  })

  it('names its own way to authenticate: a token for the API, a signature for a crawler’s account', async () => {
    const operator = await newOperator()
    const [api, me] = await Promise.all([
      operator.call('GET', '/api/agents', undefined, { authorization: 'Bearer stale' }),
      operator.fetch(new Request('https://site.example/_tab402/me')),
    ])
    expect(api.body).toMatchObject({ code: 'unauthorized', detail: expect.stringContaining('Bearer') })
    expect(me.body).toMatchObject({ code: 'unauthorized', reason: 'unsigned' })
    expect(me.body.detail).toContain('Accept-Signature')
  })

  it.each(Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[])('conforms to the document: %s', (code) => {
    expect(faultsOf(problemOf(code), schemas.Problem ?? {}, schemas)).toEqual([])
  })
})

describe('a body', () => {
  it.each<[string, unknown, unknown]>([
    ['Suspension', { reason: 'overdue' }, { reason: '' }],
    ['Suspension', { reason: 'overdue' }, { reason: 'overdue', until: 1 }],
    ['Transfer', { reference: 'wire 1', amount: '$5', at: 0 }, { reference: 'wire 1', amount: '5.0' }],
    ['Transfer', { reference: 'wire 1' }, { amount: '5' }],
    ['Returned', { reference: 'wire 1', reason: 'x' }, { reference: 'wire 1', reason: 'x'.repeat(201) }],
    ['Correction', { amount: '5', reason: 'x' }, { amount: '5', reason: 'x\u0000' }],
    ['AgentChange', { tier: null, period: 'weekly' }, { period: 'hourly' }],
    ['AgentChange', { url: null, keys: null }, { buyer: { name: 'A', country: 'nl' } }],
  ])('has the shape that the document states for %s', (name, good, bad) => {
    expect(faultsOf(good, schemas[name] ?? {}, schemas)).toEqual([])
    expect(faultsOf(bad, schemas[name] ?? {}, schemas)).not.toEqual([])
  })

  it('may leave out the members of a new agent that have a default', () => {
    const { required, additionalProperties } = schemas.NewAgent ?? {}
    expect(required).toEqual(['name', 'creditLimit', 'period', 'rail', 'buyer'])
    expect(additionalProperties).toBe(false)
  })
})
