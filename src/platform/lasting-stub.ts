/** Stubs of Durable Objects for what outlives a request. */

/**
 * Calls of one object. Trap: a stub belongs to the request that made it, and a later request that uses it fails. So `make` makes
 * one for each call.
 */
export function lastingStub<Stub extends object>(make: () => Stub): Stub {
  return new Proxy({} as Stub, {
    get: (_, method) => {
      // A promise is what has a `then`: a stub has none.
      if (method === 'then') return undefined
      return (...args: unknown[]) => {
        const stub = make() as Record<string | symbol, (...args: unknown[]) => unknown>
        return stub[method]?.(...args)
      }
    },
  })
}
