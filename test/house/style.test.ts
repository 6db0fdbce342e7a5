import { readFileSync } from 'node:fs'
import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { sources, tracked } from './sources.ts'

const code = sources('src').filter((file) => !file.startsWith('src/testing/'))

/** Lines that match a pattern, as `file:line text`. */
function found(files: string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1} ${line.trim()}`] : [])),
  )
}

describe('source code', () => {
  it.each([
    [
      'turns an amount into a number',
      /\b(?:Number|parseInt|parseFloat)\([^)]*(?:amount|price|charged|balance)/i,
    ],
    ['swallows an error', /catch\s*(?:\([^)]*\))?\s*\{\s*\}/],
    ['escapes the type system', /\bas (?:any|never)\b|@ts-(?:ignore|nocheck|expect-error)/],
    ['fails open', /passThroughOnException/],
    ['answers before the write is durable', /allowUnconfirmed/],
    ['stores what was paid for', /caches\.default/],
    ['resolves a path against the origin', /new URL\((?:path|pathname|target)\b[^)]*,/],
    ['sums money in SQL', /\b(?:SUM|TOTAL|CAST)\s*\(/],
  ])('never %s', (_, pattern) => {
    expect(found(code, pattern)).toEqual([])
  })

  it('calls waitUntil for what others publish and for counts of requests, and never for money', () => {
    expect(found(code, /waitUntil/).map((line) => line.replace(/:\d+ /, ' '))).toEqual([
      "src/app/screening.ts const { waitUntil } = await import('cloudflare:workers')",
      'src/app/screening.ts source ??= listSource(store, urls, { now, later: waitUntil })',
      "src/app/site.ts import { waitUntil } from 'cloudflare:workers'",
      'src/app/site.ts export const background: Background = { now: () => Date.now(), later: waitUntil }',
      'src/app/site.ts const COUNTING = { defer: waitUntil, wait: (ms: number) => scheduler.wait(ms), now: () => Date.now() }',
    ])
  })

  it('logs through src/platform/log.ts alone, but for lists of settings, the command line and the lab', () => {
    const logging = found(code, /console\.\w+\(/).map((line) => line.split(':')[0])
    expect([...new Set(logging)]).toEqual([
      'src/app/site.ts',
      'src/cli/demo/demo.ts',
      'src/cli/main.ts',
      'src/lab/worker/alarms.ts',
      'src/lab/worker/control.ts',
    ])
  })

  it('opens every file with a comment', () => {
    const uncommented = sources('src').filter((file) => !readFileSync(file, 'utf8').startsWith('/**'))
    expect(uncommented).toEqual([])
  })
})

describe('test files', () => {
  it('contain no skipped, focused or retried tests', () => {
    expect(found(sources('test'), /\b(?:it|test|describe)\.(?:skip|only|todo)\b|\bretry:/)).toEqual([])
  })
})

/** Packages with a published weakness, and the version that mended the last one known here. */
const MENDED_IN: Record<string, string> = {
  esbuild: '0.25.0',
  hono: '4.11.4',
  undici: '6.21.1',
  ws: '8.17.1',
  'x402-hono': '0.5.2',
}

function isBefore(version: string, other: string): boolean {
  const [own = [], theirs = []] = [version, other].map((text) => text.split(/[.-]/).map(Number))
  const at = [0, 1, 2].find((place) => own[place] !== theirs[place])
  return at !== undefined && Number(own[at]) < Number(theirs[at])
}

describe('repository', () => {
  const files = tracked().filter((file) => !file.startsWith('test/house/'))

  it('contains no absolute path of one machine', () => {
    expect(found(files, /(?:^|[\s"'`=(])\/(?:work|root|home|tmp|Users)\//)).toEqual([])
  })

  it('locks its packages without download addresses', () => {
    expect(found(['package-lock.json'], /"resolved"/)).toEqual([])
  })

  it('locks no package below the version that mended a published weakness [G6]', () => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      packages: Record<string, { version?: string }>
    }
    const weak = Object.entries(packages).flatMap(([path, { version = '' }]) => {
      const name = path.split('node_modules/').at(-1) ?? ''
      const mended = MENDED_IN[name]
      return mended && isBefore(version, mended) ? [`${name} ${version}`] : []
    })
    expect(weak).toEqual([])
    expect(isBefore('4.9.6', '4.9.7') && isBefore('0.5.1', '0.5.2') && !isBefore('4.13.19', '4.11.4')).toBe(
      true,
    )
  })

  it('pins each package to one version and locks it with the digest of its content [G6]', () => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      packages: Record<string, { integrity?: string; link?: boolean; optional?: boolean }>
    }
    const loose = Object.entries(packages).filter(
      // The packages of other platforms were never fetched here.
      ([path, { integrity, link, optional }]) => path && !integrity && !link && !optional,
    )
    expect(loose.map(([path]) => path)).toEqual([])
    const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >
    const ranges = Object.values({ ...dependencies, ...devDependencies }).filter(
      (version) => !/^(?:npm:[@\w/-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version),
    )
    expect(ranges).toEqual([])
  })

  it('locks the packages of every platform, without which npm ci refuses to start', () => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>
    }
    const locked = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)))
    const missing = Object.values(packages)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => !locked.has(name))
    expect(missing).toEqual([])
  })

  it('pins every package exactly', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
    const loose = Object.entries<string>({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^(?:npm:.+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version),
    )
    expect(loose).toEqual([])
  })
})

describe.each(['wrangler.toml', 'examples/hono/wrangler.toml'])('%s', (file) => {
  const config = parse(readFileSync(file, 'utf8')) as Record<string, unknown>

  it('disables addresses that bypass the route [D11]', () => {
    expect(config).toMatchObject({ workers_dev: false, preview_urls: false })
  })

  it('sets no cache in front of the Worker [D7]', () => {
    expect(config.cache).toBeUndefined()
  })

  it('raises the platform’s limits to its most, so that no run ends at 9,500 channels', () => {
    expect(config).toMatchObject({
      limits: { subrequests: 10_000_000, cpu_ms: 300_000 },
      workflows: [{ limits: { steps: 25_000 } }],
    })
  })

  it('keeps logs, without the query strings that contain keys', () => {
    expect(config.observability).toEqual({
      enabled: true,
      head_sampling_rate: 1,
      redact_query_string: true,
    })
  })

  it('schedules the settlement at midnight and the watch every five minutes', () => {
    expect(config.triggers).toEqual({ crons: ['0 0 * * *', '*/5 * * * *'] })
  })
})
