/** The home page of the console with a thousand sites and a month of figures: its first byte and its weight, from the local runtime. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../src/testing/stack/billing.ts'
import { startWorker } from '../src/testing/stack/workerd.ts'
import { fillFigures } from './figures.ts'
import { median } from './rounds.ts'
import type { Stage } from './stage.ts'

const TOKEN = 'a-token-of-the-operator-of-the-bench'
const WARM_ROUNDS = 5
/** Rounds whose median counts. */
export const HOME_ROUNDS = 31

/** Milliseconds to the first byte, the median of all rounds, and the bytes of the page. */
export type HomeFigures = { firstByte: number; bytes: number }

export async function measureHome(stage: Stage): Promise<HomeFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'tab402-home-'))
  const port = await freePort()
  const vars = {
    ...stage.vars,
    ORIGIN: stage.origin,
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    OPERATOR_TOKEN_SHA256: createHash('sha256').update(TOKEN).digest('hex'),
  }
  const worker = await startWorker({ port, vars, directory, log: () => undefined })
  try {
    await fillFigures(await worker.book(), Date.now())
    const headers = { cookie: await signIn(worker.console) }
    const times: number[] = []
    let bytes = 0
    for (let round = 0; round < WARM_ROUNDS + HOME_ROUNDS; round++) {
      const start = performance.now()
      const answer = await fetch(`${worker.console}/`, { headers, redirect: 'manual' })
      if (round >= WARM_ROUNDS) times.push(performance.now() - start)
      const page = await answer.text()
      if (answer.status !== 200 || !page.includes('site-')) throw new Error(`home answered ${answer.status}`)
      bytes = Buffer.byteLength(page)
    }
    return { firstByte: median(times), bytes }
  } finally {
    await worker.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

async function signIn(console: string): Promise<string> {
  const body = new URLSearchParams({ token: TOKEN })
  const answer = await fetch(`${console}/sign-in`, {
    method: 'POST',
    body,
    redirect: 'manual',
    headers: { origin: console },
  })
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
  return cookie
}
