import { describe, expect, it, vi } from 'vitest'
import { sendWebhook } from '../../src/platform/webhook.ts'

describe('sendWebhook', () => {
  it('logs a failure without the keys in the endpoint’s URL [G4]', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const url = 'https://hooks.example/services/T0CANARY1/canary-key-2?token=canary-key-3'
    const webhook = {
      url,
      secret: 'canary-secret-of-32-characters',
      fetch: () => Promise.reject(new TypeError(`fetch of ${url} failed: canary-secret-of-32-characters`)),
      now: () => 1_764_201_600_000,
    }
    expect(await sendWebhook(webhook, { id: 'run-1', type: 'alert', at: 1 })).toBe(false)
    const logged = warn.mock.calls.flat().join()
    expect(logged).toContain('webhook unreachable')
    expect(logged).not.toMatch(/canary/i)
    vi.restoreAllMocks()
  })
})
