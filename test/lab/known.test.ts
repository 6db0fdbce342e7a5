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

const openCrew = () =>
  new Crew(stage, [{ id: 'default', url: 'http://127.0.0.1:1' }], 1, {
    advance: async () => {},
    evict: async () => {},
  })

describe('openLab', () => {
  it.each([
    [{ polcy: {} }, 'openLab must be given policy, sites, start'],
    [{ facilitator: 'remote' }, 'facilitator of openLab must be "own" or "hosted", not remote'],
    [{ engine: 'sim' }, 'engine of openLab must be "workerd", not sim'],
  ])('rejects %j and names what it may be', (options, says) =>
    expect(openLab(options as LabOptions)).rejects.toThrow(says),
  )
})

describe('lab.crawler', () => {
  it.each([
    [{ is: 'thief' }, 'is of lab.crawler must be "honest", "replayer"'],
    [{ pays: 'cash' }, 'pays of lab.crawler must be "channel", "exact" or "credit", not cash'],
    [{ limit: 5n }, 'lab.crawler must be given is, pays'],
  ])('rejects %o and names what it may be', (options, says) =>
    expect(openCrew().open(options as CrawlerOptions)).rejects.toThrow(says),
  )
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
