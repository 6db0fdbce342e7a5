#!/usr/bin/env node
// The entry of the installed package. It stays readable for old Node versions, so that they get one clear line.
const [major] = process.versions.node.split('.')
if (Number(major) < 22) {
  console.error(
    `tab402 needs Node 22 or newer; this is ${process.version}. Try: npx -p node@22 -p tab402 tab402`,
  )
  process.exit(1)
}
await import('../dist/cli/main.js')
