/** `npm run sim`: makes runs of many seeds, and shows the first that breaks a promise. */
import './platform/hooks.ts'

const { main } = await import('./cli.ts')
await main(process.argv.slice(2))
