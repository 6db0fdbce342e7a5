import { describe, expect, it } from 'vitest'
import { Calendar } from '../../src/lab/calendar.ts'
import type { CrawlerOptions } from '../../src/lab/crawlers/crawler.ts'
import { Crew } from '../../src/lab/crawlers/crew.ts'
import { type LabOptions, openLab } from '../../src/lab/index.ts'
import type { LabStage } from '../../src/lab/stage.ts'

const stage = {
  chain: { fund: async () => {} },
  worker: { direct: 'http://127.0.0.1:1' },
  clock: { shared: new SharedArrayBuffer(8) },
} as unknown as LabStage

const openCrew = (on = stage) =>
  new Crew(on, [{ id: 'default', url: 'http://127.0.0.1:1' }], 1, {
    advance: async () => {},
    evict: async () => {},
  })

describe('openLab', () => {
  it.each([
    [{ polcy: {} }, 'openLab must be given policy, sites, start'],
    [{ facilitator: 'remote' }, 'facilitator of openLab must be "own" or "hosted", not remote'],
    [{ engine: 'sim' }, 'engine of openLab must be "workerd", not sim'],
    [{ seed: 1.5 }, 'seed of openLab must be a whole number, not 1.5'],
    [{ sites: {} }, 'sites of openLab must be a list'],
    [
      { sites: [{ id: 'a', recever: '0x0' }] },
      'a site of openLab must be given id, receiver, terms, not recever',
    ],
    [null, 'openLab must be given an object, not null'],
  ])('rejects %j and names what it may be', (options, says) =>
    expect(openLab(options as LabOptions)).rejects.toThrow(says),
  )
})

describe('lab.crawler', () => {
  it.each([
    [{ is: 'thief' }, 'is of lab.crawler must be "honest", "replayer"'],
    [{ pays: 'cash' }, 'pays of lab.crawler must be "channel", "exact" or "credit", not cash'],
    [{ limit: 5n }, 'lab.crawler must be given is, pays'],
    [{ balance: 5 }, 'balance of lab.crawler must be a bigint from 0n, such as 10_000n, not 5'],
    [{ creditLimit: -1n }, 'creditLimit of lab.crawler must be a bigint from 0n'],
    [{ below: 'x' }, 'below of lab.crawler must be a text that begins with /, not x'],
  ])('rejects %o and names what it may be', (options, says) =>
    expect(openCrew().open(options as CrawlerOptions)).rejects.toThrow(says),
  )
})

describe('lab.crawler that cannot open', () => {
  it.each([
    ['names a site that is not there', { site: 'nope' }, 'the site must be one of default'],
    ['cannot be registered', { pays: 'credit' }, 'fetch failed'],
  ] as const)('funds no wallet when it %s: the books would lack it', async (_, options, says) => {
    const funded: string[] = []
    const fund = async (address: string) => void funded.push(address)
    const operator = { url: 'http://127.0.0.1:1', token: '' }
    await expect(openCrew({ ...stage, chain: { fund }, operator } as never).open(options)).rejects.toThrow(
      says,
    )
    expect(funded).toEqual([])
  })
})

describe('crawler.read', () => {
  it.each([
    ['/page', 0, 'count of crawler.read must be a whole number from 1, not 0'],
    ['/page', '3', 'count of crawler.read must be a whole number from 1, not 3'],
    ['page', 1, 'path of crawler.read must be a path that begins with /, or a URL, not page'],
  ])('rejects %j, %j', async (path, count, says) => {
    const crew = openCrew()
    const crawler = await crew.open()
    await expect(crawler.read(path, count as number)).rejects.toThrow(says)
    await crew.close()
  })
})

describe('lab.nights', () => {
  it.each([-1, 0.5, Number.NaN, '30'])('rejects %j as a number of nights', (count) =>
    expect(new Calendar(stage).nights(count as number)).rejects.toThrow(RangeError),
  )

  it('rejects an unknown way', () =>
    expect(new Calendar(stage).nights(1, { through: 'corn' as 'cron' })).rejects.toThrow(
      'through of lab.nights must be "direct" or "cron", not corn',
    ))
})
