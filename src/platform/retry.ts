/** Retries of calls to Durable Objects. */

/**
 * Repeats a rejected call once. The call must be idempotent: a rejection means that the outcome is unknown
 * (faults: E3).
 *
 * Does not retry an overloaded object.
 * @throws the second rejection. The gate must answer it with 503: after a 402 the payer would pay twice
 */
export async function retryOnce<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call()
  } catch (fault) {
    if (fault instanceof Error && 'overloaded' in fault && fault.overloaded) throw fault
    return call()
  }
}

/** The pauses between the tries of {@link retryPaced}, in ms. */
const PAUSES_MS = [50, 250, 1_000]

/**
 * Repeats a rejected call up to three times after growing pauses, an overloaded object's too. For a release: if it fails, the
 * payer of a failed page stays charged, even when the next request for it fails as well. The call must be idempotent.
 * @throws the last rejection
 */
export async function retryPaced<Value>(
  call: () => Promise<Value>,
  wait = (ms: number): Promise<void> => scheduler.wait(ms),
): Promise<Value> {
  for (const pause of PAUSES_MS) {
    try {
      return await call()
    } catch {
      await wait(pause)
    }
  }
  return call()
}
