/** A deployment with an operator, and webhooks that a real server receives. */
import { env } from 'cloudflare:test'
import { expect, inject } from 'vitest'
import type { Bindings } from '../../src/app/bindings.ts'
import { operate, scheduled } from '../../src/index.ts'
import { WATCH } from '../../src/settlement/schedule.ts'
import { randomHex } from '../chain/harness.ts'
import type { Received } from '../hooks.ts'
import { TOKEN } from '../operator/harness.ts'

export const SECRET = 'a-secret-that-signs-webhooks'

/** A box of the receiver. */
export function newBox() {
  const url = `${inject('hooks')}/${randomHex(8)}`
  return {
    url,
    /** The webhooks that arrived, in order, with each signature checked. */
    async events() {
      const received = (await (await fetch(url)).json()) as Received[]
      for (const { headers, body } of received) await expectSigned(String(headers['tab402-signature']), body)
      return received.map(({ body, status }): Record<string, unknown> => ({ status, ...JSON.parse(body) }))
    },
    answer: async (status: number) => void (await fetch(url, { method: 'PUT', body: `${status}` })),
  }
}

/** Checks `t=<seconds>,v1=<hex>` as a receiver would: with its own HMAC, and a time of now. */
async function expectSigned(header: string, body: string): Promise<void> {
  const [, time = '', mac = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? []
  const bytes = (text: string) => new TextEncoder().encode(text)
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', bytes(SECRET), hmac, false, ['verify'])
  const signature = Uint8Array.from(mac.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
  expect(await crypto.subtle.verify('HMAC', key, signature, bytes(`${time}.${body}`))).toBe(true)
  expect(Math.abs(Date.now() / 1000 - Number(time))).toBeLessThan(60)
}

/** The Worker with these vars beside its own. It fetches no published lists. */
export async function newDeployment(vars: Record<string, unknown> = {}) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(TOKEN))
  const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const { LISTS: _, ...own } = env
  const bindings = {
    ...own,
    OPERATOR_TOKEN_SHA256: hash,
    WEBHOOK_SECRET: SECRET,
    ...vars,
  } as Bindings
  const call = async (method: string, path: string, body?: unknown) => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const url = `https://site.example/_tab402/api${path}`
    const response = await operate(new Request(url, { method, headers, ...sent }), bindings)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return {
    bindings,
    call,
    /** The alerts as the API lists them. */
    alerts: async () => (await call('GET', '/alerts')).body.alerts as Listed[],
    /** Fires the watch's cron now. */
    watch: () => scheduled({ cron: WATCH, scheduledTime: Date.now(), noRetry: () => undefined }, bindings),
  }
}

export type Listed = { id: string; kind: string; subject: string; resolved: number | null } & Record<
  string,
  unknown
>
