import { describe, expect, it } from 'vitest'
import { readInputs } from '../../src/identity/signature.ts'
import { authorityOf, signatureBase } from '../../src/identity/signature-base.ts'

const URL =
  'https://Site.Example:443/a%2fb/../c?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something&x=1&x=2&empty&marks=!%27()~*-._#part'

/** The value of one component of a request, or its flaw. */
function value(component: string, headers: [string, string][] = [], url = URL, method = 'GET'): string {
  const input = readInputs(`s=(${component})`)?.get('s')
  if (!input) throw new Error('no input')
  const all = new Headers()
  for (const [name, text] of headers) all.append(name, text)
  const base = signatureBase({ method, url, headers: all }, input)
  if (typeof base !== 'string') return `flaw: ${base.flaw}`
  return base.slice(`${component}: `.length, base.indexOf('\n"@signature-params"'))
}

describe('signatureBase of a derived component (RFC 9421 §2.2)', () => {
  it.each([
    ['"@method"', 'GET'],
    ['"@scheme"', 'https'],
    ['"@authority"', 'site.example'],
    ['"@path"', '/a%2fb/../c'],
  ])('writes %s as it was sent: %s', (component, expected) => {
    expect(value(component)).toBe(expected)
  })

  it('begins @query where the path ends, and omits the fragment everywhere', () => {
    const query = URL.slice(URL.indexOf('?'), URL.indexOf('#'))
    expect(value('"@query"')).toBe(query)
    expect(value('"@request-target"')).toBe(`/a%2fb/../c${query}`)
    expect(value('"@target-uri"')).toBe(`https://site.example/a%2fb/../c${query}`)
  })

  it.each([
    ['https://site.example', '"@path"', '/'],
    ['https://site.example', '"@target-uri"', 'https://site.example/'],
    ['https://site.example?a', '"@path"', '/'],
    ['https://site.example/', '"@query"', '?'],
    ['https://site.example/?', '"@query"', '?'],
    ['http://site.example:80/', '"@authority"', 'site.example'],
    ['http://site.example:443/', '"@authority"', 'site.example:443'],
    ['https://[::1]:8443/', '"@authority"', '[::1]:8443'],
  ])('of %s writes %s as %s', (url, component, expected) => {
    expect(value(component, [], url)).toBe(expected)
  })

  it.each([
    ['"@query-param";name="var"', 'this%20is%20a%20big%0Amultiline%20value'],
    ['"@query-param";name="bar"', 'with%20plus%20whitespace'],
    ['"@query-param";name="fa%C3%A7ade%22%3A%20"', 'something'],
    ['"@query-param";name="empty"', ''],
    ['"@query-param";name="marks"', '%21%27%28%29%7E*-._'],
    ['"@query-param";name="x"', 'flaw: component_repeated'],
    ['"@query-param";name="none"', 'flaw: component_absent'],
    ['"@query-param"', 'flaw: component_unsupported'],
    ['"@query-param";name="var";req', 'flaw: component_unsupported'],
  ])('writes %s as %s', (component, expected) => {
    expect(value(component)).toBe(expected)
  })

  it.each([
    '"@status"',
    '"@signature-params"',
    '"@unknown"',
    '"@"',
    '"@constructor"',
    '"@method";req',
    '"@path";key="a"',
  ])('rejects %s as unsupported', (component) => {
    expect(value(component)).toBe('flaw: component_unsupported')
  })
})

describe('signatureBase of a field component (RFC 9421 §2.1)', () => {
  it('joins the lines of a field, trimmed', () => {
    const lines: [string, string][] = [
      ['Cache-Control', ' max-age=60 '],
      ['cache-control', '   must-revalidate'],
    ]
    expect(value('"cache-control"', lines)).toBe('max-age=60, must-revalidate')
  })

  it('writes an empty field and rejects an absent one', () => {
    expect(value('"x-empty"', [['X-Empty', '']])).toBe('')
    expect(value('"x-absent"')).toBe('flaw: component_absent')
  })

  it.each([
    ['a', '1'],
    ['b', '2;x=1;y=2'],
    ['c', '("a" "b" "c")'],
    ['d', '?1'],
    ['missing', 'flaw: component_absent'],
  ])('writes member %s of a dictionary as %s', (key, expected) => {
    const dictionary = 'a=1,    b=2;x=1;y=2, c=("a"   "b"    "c"), d'
    expect(value(`"example-dict";key="${key}"`, [['Example-Dict', dictionary]])).toBe(expected)
  })

  it.each([
    '"X-Note"',
    '"x note"',
    '"x-note";sf',
    '"x-note";bs',
    '"x-note";tr',
    '"x-note";key=1',
    '"x-note";key="a";bs',
  ])('rejects %s as unsupported', (component) => {
    expect(value(component, [['X-Note', 'a']])).toBe('flaw: component_unsupported')
  })

  it('rejects bytes beyond ASCII, which hosts decode differently', () => {
    expect(value('"x-note"', [['X-Note', 'caf\u00e9']])).toBe('flaw: component_unsupported')
  })
})

describe('readInputs', () => {
  it('writes the parameters in their order, spelled as structured fields', () => {
    const input = readInputs('s=( "@method"   "@path" );b=1;a="x \\"y\\"";c=?1;d=tok;e=:AAEC:')?.get('s')
    expect(input?.text).toBe('("@method" "@path");b=1;a="x \\"y\\"";c;d=tok;e=:AAEC:')
  })
})

describe('authorityOf', () => {
  it.each([
    ['https://Site.Example:443/', 'site.example'],
    ['https://user@site.example/', null],
    ['ftp://site.example/', null],
    ['https:///path', null],
  ])('returns the authority of %s: %s', (url, authority) => {
    expect(authorityOf(url)).toBe(authority)
  })
})
