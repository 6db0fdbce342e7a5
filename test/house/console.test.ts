import { readFileSync } from 'node:fs'
import { transformSync } from 'esbuild'
import { describe, expect, it } from 'vitest'

/** Bytes of an asset as it could be served: without comments and blanks. */
function minified(name: 'console.css' | 'console.js'): number {
  const loader = name === 'console.css' ? 'css' : 'js'
  const text = readFileSync(`src/console/public/${name}`, 'utf8')
  return Buffer.byteLength(transformSync(text, { loader, minify: true }).code)
}

describe('the assets of the console', () => {
  it('have at most 12 kB of CSS', () => {
    expect(minified('console.css')).toBeLessThanOrEqual(12_000)
  })

  it('have at most 8 kB of JavaScript, as it is served', () => {
    expect(readFileSync('src/console/public/console.js').byteLength).toBeLessThanOrEqual(8_000)
  })
})
