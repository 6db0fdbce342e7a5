import { describe, expect, it } from 'vitest'
import { collectAnswers, type GivenAnswers } from '../../../src/cli/init/answers.ts'

const WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
const GIVEN: GivenAnswers = { host: 'www.example.com', wallet: WALLET }
const silent = { text: async () => null, confirm: async () => null, say: () => undefined }
const collect = (given: GivenAnswers, stored: GivenAnswers = {}) =>
  collectAnswers(given, stored, silent, async () => undefined)

describe('the answers of tab402 init', () => {
  it('need a host and a wallet alone: all else has a default, testnet first', async () => {
    expect(await collect(GIVEN)).toMatchObject({
      mode: 'testnet',
      zone: 'example.com',
      origin: 'zone',
      console: 'console.example.com',
      name: 'tab402',
      path: '/',
      url: 'https://www.example.com',
      network: { id: 'eip155:84532' },
    })
  })

  it('name the option that is missing', async () => {
    await expect(collect({ wallet: WALLET })).rejects.toThrow('--host must be given.')
  })

  it('are asked for again after one that must be another, and no other is lost', async () => {
    const typed = ['', 'https://www.example.co.uk/', 'www.example.co.uk']
    const said: string[] = []
    const kept: GivenAnswers[] = []
    const person = {
      text: async (question: string, initial: string) =>
        question.startsWith('The host') ? (typed.shift() ?? initial) : initial,
      confirm: async () => null,
      say: (line: string) => void said.push(line),
    }
    const answers = await collectAnswers({ wallet: WALLET }, {}, person, async (so) => void kept.push(so))
    expect(answers).toMatchObject({ host: 'www.example.co.uk', zone: 'example.co.uk' })
    expect(said).toEqual(['It must be given.', expect.stringMatching(/^It must be a host name/)])
    expect(kept.at(1)).toEqual({ mode: 'testnet', host: 'www.example.co.uk' })
  })

  it('are those of an earlier run, unless an option says something else', async () => {
    const stored = { ...GIVEN, mode: 'mainnet', name: 'wall' }
    expect(await collect({ name: 'other' }, stored)).toMatchObject({ mode: 'mainnet', name: 'other' })
  })

  it('end with the mode try: it needs no more', async () => {
    expect(await collect({ mode: 'try' })).toBeNull()
  })

  it.each([
    ['mode', 'live'],
    ['host', 'https://www.example.com'],
    ['host', 'www.example.com/a'],
    ['zone', 'example.org'],
    ['origin', 'http://origin.example.com'],
    ['origin', 'https://origin.example.com/a'],
    ['console', 'www.example.com'],
    ['name', 'Tab 402'],
    ['path', '//evil.example'],
    ['wallet', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD'],
    ['wallet', `0x${'0'.repeat(40)}`],
    ['wallet', '0x036cbd53842c5426634e7929541ec2318f3dcf7e'],
    ['wallet', '0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003'],
    ['wallet', '0x1234'],
  ])('refuse a %s such as %s, and say what it must be', async (name, text) => {
    await expect(collect({ ...GIVEN, [name]: text })).rejects.toThrow(`--${name} must be`)
  })

  it('take a wallet in lower case, without a checksum', async () => {
    expect(await collect({ ...GIVEN, wallet: WALLET.toLowerCase() })).toMatchObject({ wallet: WALLET })
  })
})
