import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { logLines } from '../../src/logs/lines.ts'
import { readLog } from '../../src/logs/read.ts'
import type { LogEntry } from '../../src/logs/record.ts'

const MB = 1024 * 1024
const LINE = '203.0.113.7 - - [27/Nov/2026:01:02:03 +0000] "GET /caf\u00e9 HTTP/1.1" 200 1 "-" "x/1"'

async function* chunks(bytes: Uint8Array, size = 64 * 1024) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function lines(bytes: Uint8Array, size?: number) {
  const found: (string | null)[] = []
  let isCut = false
  for await (const part of logLines(chunks(bytes, size), () => {
    isCut = true
  }))
    found.push(...part)
  return { found, isCut }
}

async function entries(bytes: Uint8Array): Promise<LogEntry[]> {
  const found: LogEntry[] = []
  await readLog(chunks(bytes), undefined, (entry) => found.push(entry))
  return found
}

describe('the lines of a log', () => {
  it('are the same in parts of any size, with CRLF, and compressed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '漢', '😀', ' ', '"') })),
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 40 }),
        async (texts, end, size) => {
          const bytes = Buffer.from(texts.map((text) => text + end).join(''))
          expect((await lines(bytes, size)).found).toEqual(texts)
          expect((await lines(gzipSync(bytes), size)).found).toEqual(texts)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('include a last one without its end', async () => {
    expect((await lines(Buffer.from('a\nb'))).found).toEqual(['a', 'b'])
  })

  it.each([
    ['UTF-16LE with its mark', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16LE without a mark', (text: string) => Buffer.from(text, 'utf16le')],
    ['UTF-16BE with its mark', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
    ['UTF-16BE without a mark', (text: string) => Buffer.from(text, 'utf16le').swap16()],
    ['UTF-8 with its mark', (text: string) => Buffer.from(`\ufeff${text}`)],
    ['Latin-1', (text: string) => Buffer.from(text, 'latin1')],
    ['UTF-16 in gzip', (text: string) => gzipSync(Buffer.from(`\ufeff${text}`, 'utf16le'))],
  ])('are read from %s', async (_, encode) => {
    const { found } = await lines(encode(`${LINE}\r\n${LINE}\r\n`), 7)
    expect(found).toEqual([LINE, LINE])
  })

  it('may be Latin-1 beside UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('é\n'), Buffer.from('é\n', 'latin1'), Buffer.from('é\n')])
    expect((await lines(bytes)).found).toEqual(['é', 'é', 'é'])
  })

  it('are null over 10 MB, and the next line is read', async () => {
    const long = Buffer.alloc(10 * MB + 1, 'a')
    const bytes = Buffer.concat([Buffer.from('b\n'), long, Buffer.from('\nc\n'), long])
    expect((await lines(bytes)).found).toEqual(['b', null, 'c', null])
  })

  it('may be 10 MB long', async () => {
    const { found } = await lines(Buffer.concat([Buffer.alloc(10 * MB, 'a'), Buffer.from('\n')]))
    expect(found.map((line) => line?.length)).toEqual([10 * MB])
  })

  it('are read from several gzip members in a row', async () => {
    const bytes = Buffer.concat([gzipSync('a\nb\n'), gzipSync('c\n')])
    expect(await lines(bytes)).toEqual({ found: ['a', 'b', 'c'], isCut: false })
  })

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 9)],
    ['damaged at its end', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -8), Buffer.alloc(8, 7)])],
  ])('are kept from a gzip stream that is %s', async (_, damage) => {
    const text = Array.from({ length: 20_000 }, (_, at) => `line ${at}`).join('\n')
    const { found, isCut } = await lines(damage(gzipSync(text)))
    expect(isCut).toBe(true)
    expect(found.length).toBeGreaterThan(18_000)
    expect(found[0]).toBe('line 0')
  })
})

describe('readLog', () => {
  it('counts blank lines and lines over 10 MB', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`${LINE}\n\n`),
      Buffer.alloc(11 * MB, 'a'),
      Buffer.from(`\n${LINE}`),
    ])
    const found = await entries(bytes)
    expect(found.map((entry) => (typeof entry === 'string' ? entry : entry.path))).toEqual([
      '/café',
      'blank',
      'too_long',
      '/café',
    ])
  })

  it.each([
    ['empty', Buffer.alloc(0), 'must have at least one line'],
    ['empty gzip', gzipSync(''), 'must have at least one line'],
    ['of an unknown format', Buffer.from('hello\n'), 'must be of a known format: combined, caddy'],
    ['binary', Buffer.from([1, 2, 0, 0, 3, 0, 0, 0, 4, 5, 6]), 'must be text in UTF-8 or UTF-16'],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), 'must be text in UTF-8 or UTF-16'],
    ['zstd', Buffer.from('28b52ffd00', 'hex'), 'zstd -dc LOG | tab402 replay -'],
    ['bzip2', Buffer.from('BZh91AY'), 'bzip2 -dc LOG'],
    ['Parquet', Buffer.from('PAR1....'), 'not Parquet'],
    [
      'in the common format',
      Buffer.from(`${LINE.replace(' "-" "x/1"', '')}\n`.repeat(3)),
      'must have the User-Agent of each request',
    ],
  ])('refuses a log that is %s', async (_, bytes, message) => {
    await expect(entries(bytes)).rejects.toThrow(message)
  })
})
