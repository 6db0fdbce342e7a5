import { describe, expect, it } from 'vitest'
import { admit } from '../../../src/cli/playground/guard.ts'

const own = { host: '127.0.0.1:4020', token: 'random' }
const asked = { method: 'GET', url: '/random/site/a?b=c&d', headers: { host: own.host } }
const json = { host: own.host, 'content-type': 'application/json' }

describe('admit', () => {
  it('returns path and query behind the token, byte for byte', () => {
    expect(admit(asked, own)).toEqual({ ok: true, path: 'site/a', search: '?b=c&d' })
  })

  it.each([
    ['a foreign host', { headers: { host: 'rebound.example' } }, 421],
    ['its host at another port', { headers: { host: '127.0.0.1:80' } }, 421],
    ['no host', { headers: {} }, 421],
    ['another origin', { method: 'POST', headers: { ...json, origin: 'https://other.example' } }, 403],
    ['an opaque origin', { method: 'POST', headers: { ...json, origin: 'null' } }, 403],
    ['another token', { url: '/guessed/facts' }, 404],
    ['a token without its slash', { url: '/random' }, 404],
    ['a method that the page does not use', { method: 'PUT' }, 405],
    ['a form', { method: 'POST', headers: { ...json, 'content-type': 'text/plain' } }, 415],
  ])('refuses %s', (_, change, status) => {
    expect(admit({ ...asked, ...change }, own)).toEqual({ ok: false, status })
  })
})
