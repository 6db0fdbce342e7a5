/** Faults of the publisher’s server. */
import type { ServerResponse } from 'node:http'
import type { LabStage } from '../stage.ts'
import { spanMs } from '../time.ts'
import type { Mend, OriginFault, Times } from './fail.ts'

/** Sets a fault; the next one replaces it. */
export async function failOrigin(
  { origin }: LabStage,
  fault: OriginFault,
  { times = Number.POSITIVE_INFINITY }: Times = {},
): Promise<Mend> {
  let left = times
  const [slowMs, pauseMs] = typeof fault === 'object' ? spansOf(fault) : []
  const answer: typeof origin.answer = (request, response) => {
    if (left-- <= 0) return origin.page(request, response)
    if (slowMs !== undefined) return void setTimeout(() => origin.page(request, response), slowMs)
    if (pauseMs !== undefined) return pause(pauseMs, response)
    if (typeof fault === 'string') misbehave(fault, response)
  }
  origin.answer = answer
  return async () => {
    if (origin.answer === answer) origin.answer = origin.page
  }
}

/** How long the first byte waits, or else the second half. */
function spansOf(fault: Extract<OriginFault, object>): [number | undefined, number | undefined] {
  return 'slow' in fault ? [spanMs(fault.slow), undefined] : [undefined, spanMs(fault.pauses)]
}

function misbehave(fault: Exclude<OriginFault, object>, response: ServerResponse): void {
  switch (fault) {
    case 'dead':
      response.destroy()
      return
    case '503':
      response.writeHead(503, { 'content-type': 'text/plain' }).end('out of order\n')
      return
    case 'short':
      // Fewer bytes than it announces.
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '1000' })
      response.write('the beginning of a page')
      setTimeout(() => response.destroy(), 10)
      return
    case 'redirects':
      response.writeHead(302, { location: '/elsewhere' }).end()
      return
    case 'hangs':
      // Never answered: the Worker must give up by itself.
      return
  }
}

function pause(ms: number, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.write('the first half of a page\n')
  setTimeout(() => response.end('and the second\n'), ms)
}
