/** The floors: a handler that only answers, or that first makes an empty call to a Durable Object. */
import { DurableObject } from 'cloudflare:workers'

type Env = {
  EMPTY?: DurableObjectNamespace<Empty>
  /** JSON of the response of the Worker that is compared with this floor. */
  ANSWER: string
}

type Answer = { status: number; headers: Record<string, string>; body: string }

export class Empty extends DurableObject {
  call(): void {}
}

let answer: Answer | undefined

export default {
  async fetch(_request, env) {
    answer ??= JSON.parse(env.ANSWER) as Answer
    await env.EMPTY?.getByName('one').call()
    const { body, ...init } = answer
    return new Response(body, init)
  },
} satisfies ExportedHandler<Env>
