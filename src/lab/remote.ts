/** Sends orders to the Worker of a lab, over the socket that only the lab knows. */
import type { LabOrder, OrderResult } from './worker/control.ts'

/** The lab’s end of the Worker’s control. */
export type Remote = (order: LabOrder) => Promise<OrderResult>

/** `port` on 127.0.0.1. The calls throw if the Worker rejects an order. */
export function remoteOf(port: number, key: string): Remote {
  return async (order) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify(order),
    })
    if (!response.ok) throw new Error(`${order.do}: ${response.status} ${await response.text()}`)
    return (await response.json()) as OrderResult
  }
}
