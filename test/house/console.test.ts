import { readFileSync } from 'node:fs'
import { transformSync } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { tokenSheet } from '../../src/console/tokens.ts'
import { tracked } from './sources.ts'

/** Bytes of an asset as it could be served: without comments and blanks. */
function minified(name: 'console.css' | 'console.js'): number {
  const loader = name === 'console.css' ? 'css' : 'js'
  const text = readFileSync(`src/console/public/${name}`, 'utf8')
  return Buffer.byteLength(transformSync(text, { loader, minify: true }).code)
}

const sheet = readFileSync('src/console/public/console.css', 'utf8')

describe('the assets of the console', () => {
  it('have at most 12 kB of CSS', () => {
    expect(minified('console.css')).toBeLessThanOrEqual(12_000)
  })

  it('have at most 8 kB of JavaScript, as it is served', () => {
    expect(readFileSync('src/console/public/console.js').byteLength).toBeLessThanOrEqual(8_000)
  })

  it('state the tokens that all pages share, as src/console/tokens.ts has them', () => {
    expect(sheet).toContain(`@layer tokens {\n${tokenSheet()}}\n`)
  })

  it('have a rule for each class of a page, and no rule for a class that no page has', () => {
    const pages = tracked('src/console').filter((file) => /\.(?:tsx?|js)$/.test(file))
    const text = pages.map((file) => readFileSync(file, 'utf8')).join('\n')
    const stated = [
      ...[...text.matchAll(/\bclass="([^"]+)"/g)].map(([, names = '']) => names),
      ...[...text.matchAll(/\bclass=\{([^}]+)\}/g)].flatMap(([, value = '']) =>
        [...value.matchAll(/[?:&] '([^']*)'/g)].map(([, names = '']) => names),
      ),
    ].flatMap((names) => names.split(' '))
    const rules = sheet.replace(/\/\*[\s\S]*?\*\//g, '')
    const styled = new Set([...rules.matchAll(/\.([a-z][a-z0-9-]*)/g)].map(([, name]) => name))
    expect([...new Set(stated)].filter((name) => !styled.has(name))).toEqual([])
    expect([...styled].filter((name) => !new RegExp(`['" ]${name}['" ]`).test(text))).toEqual([])
    // A name that is put together escapes the search.
    expect(text.match(/class=\{`[^`]*[\w-]\$\{/g)).toBeNull()
  })

  it('name no colour outside the tokens', () => {
    const rest = sheet.replace(tokenSheet(), '').replace(/@media print \{[\s\S]*$/, '')
    expect(rest.match(/#[0-9a-f]{6}\b|rgb\(|hsl\(/g)).toBeNull()
  })
})
