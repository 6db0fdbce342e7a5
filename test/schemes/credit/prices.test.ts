/** Terms of prices on credit, over HTTP: contracts, passes and final amounts. */
import { describe, expect, it } from 'vitest'
import { receiptOf, requiredOf, type TestPaywall } from '../harness.ts'
import { type Agent, creditOffer, newAgent, openCreditShop } from './harness.ts'

/** Commits to the offer of a page, or to another amount. Returns the status and the amount of the receipt. */
async function read(shop: TestPaywall, agent: Agent, path: string, amount?: string) {
  const offer = await creditOffer(shop, path)
  const paid = await shop.ask(path, await agent.commit(path, { ...offer, ...(amount && { amount }) }))
  return { status: paid.status, amount: paid.ok ? receiptOf(paid).amount : undefined, paid }
}

async function entriesOf(agent: Agent) {
  const entries = await agent.line().entries(0, 10)
  return entries.filter(({ kind }) => kind === 'charge').map(({ amount, rule }) => [amount, rule])
}

describe('A contract on credit', () => {
  it('sets the price of its agent alone, until it ends', async () => {
    const [agent, other] = [await newAgent(), await newAgent()]
    const contract = (until: string) => ({ [agent.host]: { price: '0.0004', until } })
    const shop = openCreditShop({ CONTRACTS: contract('2099-12-31') })
    expect(await read(shop, agent, '/a', '400')).toMatchObject({ status: 200, amount: '400' })
    expect(await read(shop, other, '/a')).toMatchObject({ status: 200, amount: '1000' })
    expect(await entriesOf(agent)).toEqual([[400n, 'default contract']])
    const ended = openCreditShop({ CONTRACTS: contract('2020-12-31') })
    expect(await read(ended, agent, '/b')).toMatchObject({ status: 200, amount: '1000' })
  })

  it('is offered to an agent that has committed to the list price', async () => {
    const agent = await newAgent()
    const CONTRACTS = { [agent.host]: { price: '0.0004', until: '2099-12-31' } }
    const { status, paid } = await read(openCreditShop({ CONTRACTS }), agent, '/a')
    expect([status, requiredOf(paid).accepts.at(-1)?.amount]).toEqual([402, '400'])
    expect(await entriesOf(agent)).toEqual([])
  })
})

describe('A pass on credit', () => {
  it('opens its pages to the agent that has bought it, and to no other', async () => {
    const [agent, other] = [await newAgent(), await newAgent()]
    const pass = { price: '0.02', lasts: '24h', path: '/archive/*' }
    const shop = openCreditShop({
      RULES: [{ action: 'charge', path: '/archive/*', price: '0.005', pass }],
    })
    const amounts = []
    for (const path of ['/archive/1', '/.well-known/tab402/pass/archive', '/archive/2', '/elsewhere'])
      amounts.push((await read(shop, agent, path)).amount)
    expect(amounts).toEqual(['5000', '20000', '0', '1000'])
    expect((await read(shop, other, '/archive/2')).amount).toBe('5000')
    expect((await agent.standing()).charged).toBe(26_000n)
  })
})

describe('A final amount on credit', () => {
  const RULES = [{ action: 'charge', price: '0.01', final: 'origin' }]

  it('is charged below the price that the agent has committed to, and never above', async () => {
    const agent = await newAgent()
    const shop = openCreditShop({ RULES })
    const amounts = []
    for (const path of ['/says/charge=0.004/1', '/says/charge=0/2', '/says/charge=5/3', '/plain'])
      amounts.push((await read(shop, agent, path)).amount)
    expect(amounts).toEqual(['4000', '0', '10000', '10000'])
    expect((await agent.standing()).charged).toBe(24_000n)
  })

  it('stays the same when the request is sent again', async () => {
    const agent = await newAgent()
    const shop = openCreditShop({ RULES })
    const path = '/says/charge=0.004/1'
    const request = await agent.commit(path, await creditOffer(shop, path))
    const answers = [await shop.ask(path, request), await shop.ask(path, request)]
    expect(answers.map((answer) => receiptOf(answer).amount)).toEqual(['4000', '4000'])
    expect((await agent.standing()).charged).toBe(4000n)
  })
})
