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
