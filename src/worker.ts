/** The Worker: what answers requests, what the clock starts, and the classes the runtime needs. */
export * from './objects.ts'

export default {
  fetch: () => new Response('tab402 is being built', { status: 503 }),
}
