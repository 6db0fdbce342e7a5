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
  const answer: typeof origin.answer = (request, response) => {
    if (left-- <= 0) return origin.page(request, response)
    if (typeof fault === 'object' && 'slow' in fault)
      return void setTimeout(() => origin.page(request, response), spanMs(fault.slow))
    if (typeof fault === 'object') return pause(spanMs(fault.pauses), response)
    misbehave(fault, response)
  }
  origin.answer = answer
  return async () => {
    if (origin.answer === answer) origin.answer = origin.page
  }
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
