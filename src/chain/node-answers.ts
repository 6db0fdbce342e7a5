/** The shapes of a node's answers, checked before anything reads them: a node is a stranger. Pure. */
import * as v from 'valibot'
import { cutSecrets } from '../platform/secrets.ts'
import type { Hex } from '../protocol/evm/hex.ts'

/** A node's error: JSON-RPC code, message, and the revert data if present. */
export type NodeError = { code: number; message: string; data: Hex | undefined }

/** The longest part of a node's message that is kept. */
const MAX_MESSAGE_LENGTH = 300

/** A number as text: `0x7`, and as nodes also write it `0x07`, `0X7` or `7`. */
export const QUANTITY = /^(0[xX][0-9a-fA-F]{1,64}|[0-9]{1,78})$/
const quantity = v.union([
  v.pipe(v.string(), v.regex(QUANTITY)),
  v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
])
const data = v.pipe(v.string(), v.regex(/^0x(?:[0-9a-fA-F]{2})*$/))
const word = v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{64}$/))
const log = v.object({ address: data, topics: v.array(word), data })

/** The members that are read. Any other member may have any value. */
const ANSWERS: Record<string, v.GenericSchema> = {
  eth_chainId: quantity,
  eth_blockNumber: quantity,
  eth_call: data,
  eth_estimateGas: quantity,
  eth_gasPrice: quantity,
  eth_getBalance: quantity,
  eth_maxPriorityFeePerGas: quantity,
  eth_getTransactionCount: quantity,
  eth_getBlockByNumber: v.nullable(
    v.object({ timestamp: v.optional(quantity), baseFeePerGas: v.nullish(quantity) }),
  ),
  eth_getLogs: v.array(v.object({ transactionHash: v.nullable(word) })),
  eth_getTransactionReceipt: v.nullable(
    v.object({
      // Some nodes answer for a transaction that waits, without a block.
      blockNumber: v.nullish(quantity),
      gasUsed: v.nullish(quantity),
      effectiveGasPrice: v.nullish(quantity),
      logs: v.array(log),
    }),
  ),
}

/** Whether a method may return this. Methods without a row return nothing that is read. */
export function isWellFormed(method: string, result: unknown): boolean {
  const schema = ANSWERS[method]
  return schema === undefined || v.is(schema, result)
}

/**
 * Reads the `error` of an answer, whatever its shape. Code 0 stands for one that must be a number and is not. `secrets` are cut
 * out of the message: nodes quote the URL that was asked, and so its key (faults: G4).
 */
export function readNodeError(error: unknown, secrets: readonly string[] = []): NodeError {
  const { code, message, data } = isRecord(error) ? error : {}
  return {
    code: typeof code === 'number' ? code : 0,
    message:
      typeof message === 'string' ? cutSecrets(message, secrets).slice(0, MAX_MESSAGE_LENGTH) : 'no message',
    data: revertData(data),
  }
}

/** Nodes put the data of a revert at `error.data` or one level below it. */
function revertData(data: unknown): Hex | undefined {
  const found = isRecord(data) ? data.data : data
  return typeof found === 'string' && /^0x([0-9a-fA-F]{2})*$/.test(found) ? (found as Hex) : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
