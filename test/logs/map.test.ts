import { describe, expect, it } from 'vitest'
import { mapped } from '../../src/logs/map.ts'
import type { LogEntry } from '../../src/logs/record.ts'

function entries(text: string, lines: string[], delimiter?: string): LogEntry[] {
  const map = mapped(text, delimiter)
  if (!map.ok) throw new Error(map.message)
  const read = map.format.open()
  return lines.flatMap((line) => [...read(line)])
}

describe('a map', () => {
  it('names members of JSON by their places', () => {
    const line =
      '{"timestamp":"2026-11-27T01:02:03+0000","req":{"url":"/a?b","ua":["x/1"]},"resp.status":"200"}'
    expect(entries('time=timestamp path=req.url ua=req.ua status=resp\\.status', [line])).toEqual([
      {
        time: Date.UTC(2026, 10, 27, 1, 2, 3),
        method: 'GET',
        host: null,
        path: '/a',
        query: 'b',
        status: 200,
        bytes: null,
        ip: null,
        ua: 'x/1',
      },
    ])
  })

  it('names columns by number, and skips headings', () => {
    const lines = ['time\tstatus\tpath\tua', '#comment', '1795741323\t304\thttps://news.example/a\tx/1']
    expect(entries('time=1,status=2,path=3,ua=4', lines)).toEqual([
      'malformed',
      'comment',
      expect.objectContaining({ status: 304, path: '/a', host: 'news.example', time: 1795741323000 }),
    ])
  })

  it('reads columns in quotes', () => {
    expect(entries('path=1 ua=2 ip=3', ['/a,"Bot, ""the"" 1",203.0.113.7'], ',')).toEqual([
      expect.objectContaining({ ua: 'Bot, "the" 1', ip: '203.0.113.7' }),
    ])
  })

  it.each([
    ['', 'must be pairs such as path=request.uri'],
    ['url=1 ua=2', 'must be pairs such as path=request.uri'],
    ['path=1', 'must name at least path and ua'],
    ['path=1 path=2 ua=3', 'must name path once'],
    ['path=1 ua=headers.ua', 'must name members of JSON or numbers of columns, not both'],
  ])('is refused as %j', (text, message) => {
    expect(mapped(text)).toEqual({ ok: false, message: expect.stringContaining(message) })
  })
})
