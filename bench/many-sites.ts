/** A thousand sites with a hundred rules each in one isolate: their memory, their speed, and a host that is asked first. */
import { request } from 'node:http'
import { crawlers } from '../src/identity/crawlers.ts'
import type { HostEntry } from '../src/sites/entry.ts'
import { CRAWLER, PATH } from './ask.ts'
import { type Case, trafficTo } from './cases.ts'
import { Load } from './load.ts'
import { measure, median, type Pace, ratio } from './rounds.ts'
import { type BenchWorker, startWorker } from './runtime.ts'
import { PRICE, type Stage } from './stage.ts'

export const SITES = 1_000
export const RULES = 100

/** `heap`: bytes that each site adds to the isolate. `cold`: milliseconds of the first answer of each host. */
export type ManySites = { heap: number; ratio: number; cold: { median: number; slowest: number } }

export async function measureManySites(stage: Stage, pace: Pace): Promise<ManySites> {
  const workers: BenchWorker[] = []
  const cases: Case[] = []
  const hosts = Array.from({ length: SITES }, (_, site) => `site-${site}.example`)
  const start = async (name: Case['name'], served: readonly string[]) => {
    const entries = served.map((host, site): [string, HostEntry] => [host, entryOf(stage, host, site)])
    const worker = await startRegistry(stage, new Map(entries))
    workers.push(worker)
    cases.push({ name, worker, load: new Load(trafficTo(worker, { hosts: [...served], status: 402 })) })
    return worker
  }
  try {
    await start('oneSite', hosts.slice(0, 1))
    const many = await start('manySites', hosts)
    const [first = '', ...others] = hosts
    await firstAnswer(many, first)
    const before = await many.heap()
    const cold: number[] = []
    for (const host of others) cold.push(await firstAnswer(many, host))
    const heap = ((await many.heap()) - before) / others.length
    const results = await measure(cases, pace)
    return {
      heap,
      ratio: ratio(results, 'manySites', 'oneSite'),
      cold: { median: median(cold), slowest: Math.max(...cold) },
    }
  } finally {
    for (const { load } of cases) load.stop()
    for (const worker of workers) await worker.stop()
  }
}

/** A Worker with a registry, and these entries in KV. */
export function startRegistry(stage: Stage, entries: ReadonlyMap<string, HostEntry>): Promise<BenchWorker> {
  const vars = { ...stage.vars, ORIGIN: stage.origin, PUBLIC_URL: 'https://operator.example' }
  return startWorker({ main: 'src/worker.ts', vars, entries })
}

/** The entry of a site, as its registry publishes it. No two sites share a path. */
function entryOf(stage: Stage, host: string, site: number): HostEntry {
  return versionOf(stage, host, { PRICE, RULES: rulesOf(site) })
}

/** The first version of a site with these terms. */
export function versionOf(stage: Stage, host: string, terms: object): HostEntry {
  const id = host.replaceAll('.', '-')
  const document = {
    id,
    publisher: 'bench',
    hosts: [host],
    via: 'route' as const,
    mode: 'live' as const,
    terms: { ORIGIN: stage.origin, RECEIVER: stage.receiver.address, ...terms },
  }
  return { id, publisher: 'bench', version: 1, effectiveAt: 0, document, sequence: 1 }
}

/** Folders, endings, pages and parts of them, each for one crawler or for all. */
function rulesOf(site: number): object[] {
  return Array.from({ length: RULES }, (_, at) => {
    const name = `${site}-${at}`
    const path = [`/section-${name}/*`, `/*-${name}.html`, `/stories/${name}`, `/stories/*/part-${name}`][
      at % 4
    ]
    const who = crawlers[(site + at) % crawlers.length]?.name ?? 'GPTBot'
    return [
      { path, who, action: 'charge', price: `0.0${10 + (at % 89)}` },
      { path, who: [who, 'search'], action: 'allow' },
      { path, action: 'charge', method: 'GET', price: '0.01' },
      { path, who: ['training', 'agent:AcmeBot'], action: 'block' },
    ][(at >> 2) % 4] as object
  })
}

/** Milliseconds until the 402 of a host is there. Not by `fetch`, which sends no other host. */
function firstAnswer({ url }: BenchWorker, host: string): Promise<number> {
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const sent = request(new URL(PATH, url), { headers: { ...CRAWLER, host } }, (answer) => {
      if (answer.statusCode !== 402) reject(new Error(`${host} answered ${answer.statusCode}`))
      answer.resume().on('end', () => resolve(performance.now() - start))
    })
    sent.on('error', reject).end()
  })
}
