/** A link that signs in to the console once: what the bearer of the operator's token can make, on any deployment. */

/**
 * Asks the operator's API for a one-time code. Returns the console's address with it.
 * @throws for any other answer than a code
 */
export async function signInLink(console: string, operator: { url: string; token: string }): Promise<string> {
  const headers = { authorization: `Bearer ${operator.token}` }
  const response = await fetch(`${operator.url}/sign-in-codes`, { method: 'POST', headers })
  if (response.status !== 201) throw new Error(`POST /sign-in-codes: ${response.status}`)
  const { code } = (await response.json()) as { code: string }
  return `${console}/sign-in?code=${code}`
}
