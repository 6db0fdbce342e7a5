/** The guard of the console's pages: where it sends a browser, and over which protocol it answers. */
import { describe, expect, it } from 'vitest'
import { encryptedUrl, returnPath } from '../../src/console/guard.ts'

const BASE = 'https://console.example.com/sign-in'

describe('the way back after signing in', () => {
  it.each([
    '//evil.example',
    '/\\evil.example',
    '/.//evil.example',
    '/./\\evil.example',
    '/x/..//evil.example',
    '/%2e//evil.example',
    '\t//evil.example',
    'https://evil.example',
    'javascript:alert(1)',
  ])('never leads to another host: %j', (to) => {
    expect(new URL(returnPath(to, BASE), BASE).origin).toBe('https://console.example.com')
  })

  it('leads to the page that was asked for, with its query', () => {
    expect(returnPath('/runs?limit=5', BASE)).toBe('/runs?limit=5')
  })
})

describe('a request over http', () => {
  it('is sent to https, so that no token and no cookie travels in clear', () => {
    expect(encryptedUrl('http://console.example.com/sign-in?to=%2F')).toBe(
      'https://console.example.com/sign-in?to=%2F',
    )
  })

  it.each(['https://console.example.com/', 'http://127.0.0.1:8787/', 'http://localhost:8787/'])(
    'is answered on this machine, and over https anywhere: %s',
    (url) => {
      expect(encryptedUrl(url)).toBeNull()
    },
  )
})
