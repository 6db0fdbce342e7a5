/** The demands on every answer: below 500, soon, and no paid page without a charge. */
import fc from 'fast-check'
import type { Input } from './inputs.ts'

/** The longest that an input may take, in milliseconds of the processor: a busy machine must not fail it. */
const MAX_MS = 50
/**
 * An input that took longer by the clock is measured again so often, by the processor, and the shortest time counts: the
 * first may have loaded code. To ask for the time of the processor costs a tenth of an input, so others are not measured so.
 */
const MEASURED_AGAIN = 5

/** Answers a request. */
export type Answers = (request: Request) => Promise<Response>

/** How an input was answered. `ms`: until the whole answer was there, by the clock or of the processor. */
type Answered = { status: number; text: string; isPaid: boolean; caching: string; ms: number }

/** The result of one header. `statuses`: how often each was answered. `slowestMs`: the slowest by its shortest time. */
export type Report = {
  runs: number
  statuses: Map<number, number>
  slowestMs: number
  failure: string | null
}

/** Sends inputs until `runs` of them were answered well, or one was not: then `failure` shows it, shrunk. */
export async function fuzz(
  answers: Answers,
  inputs: fc.Arbitrary<Input>,
  { runs, seed, canary }: { runs: number; seed: number; canary: string },
): Promise<Report> {
  const statuses = new Map<number, number>()
  let slowestMs = 0
  const property = fc.asyncProperty(inputs, async (input) => {
    const first = await send(answers, input)
    statuses.set(first.status, (statuses.get(first.status) ?? 0) + 1)
    const ms = await shortestMs(answers, input, first.ms)
    const fault = faultOf(input, { ...first, ms }, canary)
    if (fault !== undefined) throw new Error(fault)
    if (ms > slowestMs) slowestMs = ms
  })
  const { failed, numRuns, counterexample, errorInstance } = await fc.check(property, { numRuns: runs, seed })
  const shown = JSON.stringify(counterexample?.[0])?.slice(0, 4_000)
  return { runs: numRuns, statuses, slowestMs, failure: failed ? `${errorInstance}: ${shown}` : null }
}

/** The fault of an answer; undefined for none. */
function faultOf({ isPaying, method }: Input, answered: Answered, canary: string) {
  const { status, text, isPaid, caching, ms } = answered
  if (status >= 500) return `${status} ${text.slice(0, 200)}`
  if (isPaying && text.includes(canary) && !isPaid) return 'the page was not paid for'
  const isServed = status >= 200 && status < 400 && method !== 'OPTIONS'
  if (isPaying && isServed && !isPaid && status !== 304) return `${status} without a receipt`
  if ((isPaid || status === 402) && !/\bno-store\b/.test(caching)) return `a cache may keep it: ${caching}`
  return ms > MAX_MS ? `took ${Math.round(ms)} ms` : undefined
}

async function shortestMs(answers: Answers, input: Input, firstMs: number): Promise<number> {
  let ms = firstMs
  for (let times = 0; ms > MAX_MS && times < MEASURED_AGAIN; times++)
    ms = Math.min(ms, (await send(answers, input, msOfProcessor)).ms)
  return ms
}

const msOfClock = () => performance.now()

function msOfProcessor(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function send(
  answers: Answers,
  { url, method = 'GET', headers }: Input,
  clock = msOfClock,
): Promise<Answered> {
  const request = new Request(url, { method, headers })
  const began = clock()
  const response = await answers(request)
  const text = await response.text()
  const ms = clock() - began
  const isPaid =
    response.headers.has('payment-response') ||
    response.headers.has('x-payment-response') ||
    response.headers.has('crawler-charged')
  const caching = response.headers.get('cache-control') ?? ''
  return { status: response.status, text, isPaid, caching, ms }
}
