import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONTRACTS } from '../../src/testing/chain/chain.ts'
import { compile } from '../../src/testing/chain/solidity.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'solidity-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function compileText(source: string) {
  await writeFile(
    join(folder, 'A.sol'),
    `// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\n${source}\n`,
  )
  return compile(folder)
}

describe('Solidity compile', () => {
  it('returns the interface and the code of every contract in a folder', async () => {
    const artifacts = await compile(CONTRACTS)
    for (const name of ['BatchSettlement', 'Erc3009DepositCollector', 'Usdc', 'Multicall3', 'Wallet']) {
      expect(artifacts[name]?.abi.length).toBeGreaterThan(0)
      expect(artifacts[name]?.runtime).toMatch(/^0x[0-9a-f]{100,}$/)
    }
  })

  it('returns the same result for the same source', async () => {
    const source = 'contract A { function a() external pure returns (uint256) { return 1; } }'
    expect(await compileText(source)).toEqual(await compileText(source))
  })

  it('compiles again when the source changes', async () => {
    const one = await compileText('contract A { function a() external pure returns (uint256) { return 2; } }')
    const other = await compileText(
      'contract A { function a() external pure returns (uint256) { return 3; } }',
    )
    expect(one.A?.runtime).not.toBe(other.A?.runtime)
  })

  it('throws the compiler’s message for an error', async () => {
    await expect(compileText('contract A { function }')).rejects.toThrow(/ParserError.*A\.sol:3/s)
  })

  it('throws for a warning too', async () => {
    const source = 'contract A { function a() external pure { uint256 b; } }'
    await expect(compileText(source)).rejects.toThrow(/Warning: Unused local variable/)
  })
})
