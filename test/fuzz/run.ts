/** `npm run fuzz`: sends hostile inputs to the Worker, header by header. */
import './hooks.ts'

const { main } = await import('./cli.ts')
process.exit(await main(process.argv.slice(2)))
