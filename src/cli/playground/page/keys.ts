/** The keys of one browser tab. They end with it, and what they hold is worth nothing. */
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import type { Address, Hex } from '../../../protocol/evm/hex.ts'
import { newAgentKey } from '../../pay/agent.ts'

/** `wallet` signs payments at once and on a tab; `agent` (Ed25519) signs requests on credit. */
export type Keys = { wallet: Hex; address: Address; agent: JsonWebKey }

const NAME = 'tab402 playground keys'

/** Makes keys and keeps them in this tab. */
export async function makeKeys(): Promise<Keys> {
  const wallet = generatePrivateKey()
  const address = privateKeyToAddress(wallet).toLowerCase() as Address
  const keys = { wallet, address, agent: await newAgentKey() }
  sessionStorage.setItem(NAME, JSON.stringify(keys))
  return keys
}

/** Drops the keys of this tab. */
export function forgetKeys(): void {
  sessionStorage.removeItem(NAME)
}

/** The keys that this tab has made before, or null. */
export function keptKeys(): Keys | null {
  const text = sessionStorage.getItem(NAME)
  return text === null ? null : (JSON.parse(text) as Keys)
}
