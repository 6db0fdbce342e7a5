import { describe, expect, it } from 'vitest'
import { lookUpRecords, type Resolver } from '../../src/platform/dns.ts'

/** A resolver that answers with `body`, and the URL that it was asked with. */
function resolver(body: unknown, status = 200): Resolver & { asked: Request[] } {
  const asked: Request[] = []
  const fetch = async (request: Request) => {
    asked.push(request)
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })
  }
  return { url: 'https://dns.example/dns-query', fetch, asked }
}

const txt = (...data: string[]) => ({
  Status: 0,
  Answer: [
    { name: 'a.example', type: 5, TTL: 60, data: 'b.example.' },
    ...data.map((text) => ({ name: 'b.example', type: 16, TTL: 60, data: text })),
  ],
})

describe('lookUp', () => {
  it('asks as application/dns-json asks', async () => {
    const one = resolver(txt('"x"'))
    await lookUpRecords(one, '_tab402.news.example', 'TXT')
    expect(one.asked[0]?.url).toBe('https://dns.example/dns-query?name=_tab402.news.example&type=TXT')
    expect(one.asked[0]?.headers.get('accept')).toBe('application/dns-json')
  })

  it.each([
    ['one string', '"abc"', 'abc'],
    ['several strings', '"abc" "def"', 'abcdef'],
    ['escapes', '"a\\"b\\\\c\\065"', 'a"b\\cA'],
    ['no quotes', 'abc', 'abc'],
  ])('reads a TXT record of %s and leaves out CNAMEs', async (_, data, text) => {
    expect(await lookUpRecords(resolver(txt(data)), 'a.example', 'TXT')).toEqual({
      outcome: 'found',
      records: [text],
    })
  })

  it('separates a name without records from a resolver without an answer', async () => {
    expect(await lookUpRecords(resolver({ Status: 3 }), 'a.example', 'TXT')).toEqual({ outcome: 'absent' })
    expect(await lookUpRecords(resolver({ Status: 0 }), 'a.example', 'TXT')).toEqual({ outcome: 'absent' })
    for (const broken of [
      resolver({ Status: 2 }),
      resolver({}, 500),
      resolver('<html>'),
      resolver({ Status: '0' }),
      { url: 'https://dns.example', fetch: () => Promise.reject(new Error('down')) },
    ])
      expect(await lookUpRecords(broken, 'a.example', 'TXT')).toMatchObject({ outcome: 'unknown' })
  })
})
