/** The demands on every answer: below 500, soon, and no paid page without a charge. */
import fc from 'fast-check'
import type { Input } from './inputs.ts'

/** The longest that an input may take, in milliseconds of the processor: a busy machine must not fail it. */
export const MAX_MS = 50
/** An input that took longer is measured again so often, and the shortest time counts: the first may have loaded code. */
const MEASURED_AGAIN = 5

/** Answers a request. */
export type Answers = (request: Request) => Promise<Response>

/** How an input was answered. `ms`: what it took of the processor until the whole answer was there. */
type Answered = { status: number; text: string; isPaid: boolean; ms: number }

/** The result of one header. `statuses`: how often each was answered. `slowestMs`: of the inputs that were measured once. */
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
    const fault = await faultOf(answers, input, first, canary)
    if (fault !== undefined) throw new Error(fault)
    if (first.ms > slowestMs) slowestMs = first.ms
  })
  const { failed, numRuns, counterexample, errorInstance } = await fc.check(property, { numRuns: runs, seed })
  const shown = JSON.stringify(counterexample?.[0])?.slice(0, 4_000)
  return { runs: numRuns, statuses, slowestMs, failure: failed ? `${errorInstance}: ${shown}` : null }
}

/** The fault of an answer; undefined for none. */
async function faultOf(
  answers: Answers,
  input: Input,
  first: Answered,
  canary: string,
): Promise<string | undefined> {
  if (first.status >= 500) return `${first.status} ${first.text.slice(0, 200)}`
  if (input.isPaying && first.text.includes(canary) && !first.isPaid) return 'the page was not paid for'
  let { ms } = first
  for (let times = 0; ms > MAX_MS && times < MEASURED_AGAIN; times++)
    ms = Math.min(ms, (await send(answers, input)).ms)
  return ms > MAX_MS ? `took ${Math.round(ms)} ms` : undefined
}

async function send(answers: Answers, { url, method = 'GET', headers }: Input): Promise<Answered> {
  const request = new Request(url, { method, headers })
  const began = process.cpuUsage()
  const response = await answers(request)
  const text = await response.text()
  const { user, system } = process.cpuUsage(began)
  const ms = (user + system) / 1000
  const isPaid =
    response.headers.has('payment-response') ||
    response.headers.has('x-payment-response') ||
    response.headers.has('crawler-charged')
  return { status: response.status, text, isPaid, ms }
}
