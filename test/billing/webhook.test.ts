import { describe, expect, it } from 'vitest'
import { deliver } from '../../src/billing/dun.ts'
import type { DunningStep } from '../../src/ledger/billing/types.ts'
import { signWebhook } from '../../src/platform/webhook.ts'

const NOW = Date.UTC(2026, 10, 22)
const STEP: DunningStep = {
  id: 'INV-000001/0',
  agent: 'agent-1',
  invoice: 'INV-000001',
  stage: 'past_due',
  at: NOW,
  open: 1_460_000n,
}

/** An operator's webhook. `answers` are its results, one for each call. */
function operator(...answers: (number | 'gone')[]) {
  const received: { body: string; signature: string | null }[] = []
  const webhook = {
    url: 'https://operator.example/hook',
    secret: 'a secret',
    now: () => NOW,
    async fetch(input: RequestInfo | URL, init?: RequestInit) {
      const request = new Request(input, init)
      received.push({ body: await request.text(), signature: request.headers.get('tab402-signature') })
      const answer = answers.shift() ?? 204
      if (answer === 'gone') throw new TypeError('network connection lost')
      return new Response(null, { status: answer })
    },
  }
  return { webhook, received }
}

describe('Dunning webhook', () => {
  it('sends a step signed over time and body', async () => {
    const { webhook, received } = operator()
    expect(await deliver([STEP], webhook)).toEqual([STEP.id])
    const [{ body, signature }] = received as [{ body: string; signature: string }]
    expect(JSON.parse(body)).toEqual({
      id: 'INV-000001/0',
      type: 'invoice.past_due',
      agent: 'agent-1',
      invoice: 'INV-000001',
      at: NOW,
      open: '1460000',
    })
    expect(signature).toBe(await signWebhook(body, 'a secret', NOW / 1000))
    expect(await signWebhook(`${body} `, 'a secret', NOW / 1000)).not.toBe(signature)
    expect(await signWebhook(body, 'a secret', NOW / 1000 + 1)).not.toBe(signature)
    expect(await signWebhook(body, 'another', NOW / 1000)).not.toBe(signature)
  })

  it('has an HMAC-SHA256 signature', async () => {
    const key = new TextEncoder().encode('a secret')
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['verify'])
    const [, hex = ''] = /v1=(.*)/.exec(await signWebhook('body', 'a secret', 5)) ?? []
    const mac = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
    const text = new TextEncoder().encode('5.body')
    expect(await crypto.subtle.verify('HMAC', imported, mac, text)).toBe(true)
  })

  it.each([500, 404, 302, 'gone'] as const)('leaves a step pending when the answer is %j', async (answer) => {
    const { webhook } = operator(answer, 200)
    const other = { ...STEP, id: 'INV-000001/1' }
    expect(await deliver([STEP, other], webhook)).toEqual([other.id])
  })

  it('counts all steps as delivered when no webhook is configured', async () => {
    expect(await deliver([STEP], null)).toEqual([STEP.id])
  })
})
