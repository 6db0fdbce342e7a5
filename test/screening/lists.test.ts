import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Address } from '../../src/protocol/evm/hex.ts'
import {
  CLEARS_FOR_MS,
  listSource,
  MAX_ADDRESS_BYTES,
  readAddresses,
  readStored,
  refreshAddresses,
} from '../../src/screening/lists.ts'

const T = 1_790_000_000_000
const HOUR = 3_600_000
const URL = 'https://lists.example/addresses.txt'
const addressOf = (n: number): Address => `0x${n.toString(16).padStart(40, '0')}`
const textOf = (count: number) => Array.from({ length: count }, (_, n) => `${addressOf(n + 1)}\n`).join('')

function newServer() {
  const server = { at: T, text: textOf(4), asked: 0 }
  const fetch = async () => {
    server.asked++
    return new Response(server.text)
  }
  const refresh = () => refreshAddresses(env.LISTS, [URL], { now: () => server.at, fetch })
  const source = (store: Pick<KVNamespace, 'get' | 'put'> = env.LISTS) =>
    listSource(store, [URL], { now: () => server.at, later: () => undefined })
  return { server, refresh, source }
}

beforeEach(() => env.LISTS.delete('screening-1'))

describe('readAddresses', () => {
  it('reads an address per line in any case, without comments, empty lines and repeats', async () => {
    const upper = `0x${'AB'.repeat(20)}`
    const text = `# of a state\r\n\r\n${upper}\r\n${upper.toLowerCase()}\n ${addressOf(1)} `
    expect(await readAddresses(text)).toMatchObject({ addresses: [upper.toLowerCase(), addressOf(1)] })
  })

  it.each([
    ['an empty text', '', 'it must list an address'],
    ['comments alone', '# nothing\n', 'it must list an address'],
    ['a page', '<html></html>', 'each line must be an address: 0x and 40 hex digits'],
    ['a short address', `${addressOf(1)}\n0x12`, 'each line must be an address: 0x and 40 hex digits'],
    ['columns', `${addressOf(1)},Name`, 'each line must be an address: 0x and 40 hex digits'],
  ])('refuses %s as a whole', async (_, text, fault) => {
    expect(await readAddresses(text)).toEqual({ fault })
  })
})

describe('A published list of addresses', () => {
  it('is fetched once a day and stored with its size, its date and its hash', async () => {
    const { server, refresh } = newServer()
    for (const after of [0, 23 * HOUR, 24 * HOUR]) {
      server.at = T + after
      expect(await refresh()).toEqual({})
    }
    expect(server.asked).toBe(2)
    const { addresses, ...list } = (await readStored(env.LISTS))[URL] ?? { addresses: [] }
    expect(addresses.length).toBe(4)
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(server.text))
    const sha256 = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    expect(list).toEqual({ bytes: 172, sha256, fetchedAt: T + 24 * HOUR, triedAt: T + 24 * HOUR })
  })

  it.each([
    ['is cut short', () => textOf(1), 'it must not shrink by half: 1 addresses after 4'],
    ['is too long', () => textOf(1).padEnd(MAX_ADDRESS_BYTES + 1), 'it must have at most 1048576 bytes'],
    ['has another shape', () => '{}', 'each line must be an address: 0x and 40 hex digits'],
  ])('stays as it was when the new one %s', async (_, text, fault) => {
    const { server, refresh, source } = newServer()
    await refresh()
    server.at = T + 24 * HOUR
    server.text = text()
    expect(await refresh()).toEqual({ [URL]: fault })
    expect(await source()(addressOf(4))).toMatchObject({ status: 'listed', list: URL, dated: T })
  })

  it('lists its addresses, and clears the others as long as it is not too old', async () => {
    const { server, refresh, source } = newServer()
    await refresh()
    const ask = source()
    for (const [after, status] of [
      [0, 'clear'],
      [CLEARS_FOR_MS, 'clear'],
      [CLEARS_FOR_MS + 1, 'unknown'],
    ] as const) {
      server.at = T + after
      expect(await ask(addressOf(5))).toMatchObject({ status, list: URL, dated: T })
      expect(await ask(addressOf(1))).toMatchObject({ status: 'listed', list: URL, dated: T })
    }
  })

  it('clears nobody before it was read', async () => {
    const { source } = newServer()
    expect(await source()(addressOf(1))).toMatchObject({
      status: 'unknown',
      reason: 'the list was never read',
    })
  })

  it('clears nobody while the store fails, and counts from the first answer on', async () => {
    const { refresh, source } = newServer()
    await refresh()
    let fails = true
    const get = (async (...args: [string, 'json']) => {
      if (fails) throw new Error('KV is down')
      return env.LISTS.get(...args)
    }) as typeof env.LISTS.get
    const ask = source({ get, put: env.LISTS.put })
    expect((await ask(addressOf(1))).status).toBe('unknown')
    fails = false
    expect((await ask(addressOf(1))).status).toBe('listed')
  })

  it('is dropped from the store when its URL is no longer set', async () => {
    const { refresh } = newServer()
    await refresh()
    const other = 'https://lists.example/other.txt'
    await refreshAddresses(env.LISTS, [other], { now: () => T, fetch: async () => new Response(textOf(1)) })
    expect(Object.keys(await readStored(env.LISTS))).toEqual([other])
  })
})
