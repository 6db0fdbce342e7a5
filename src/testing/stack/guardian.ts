/** A process between a starter and one child: it stops the child when the starter asks, or when the starter ends in any way. */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { type GuardianReport, readMandate } from './child.ts'

const { command, args, graceMs, scratch } = readMandate(process.argv[2])
const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })

child.on('error', (cause) => report({ kind: 'output', text: cause.message }))
child.on('spawn', () => report({ kind: 'started', pid: child.pid ?? 0 }))
for (const stream of [child.stdout, child.stderr]) {
  stream.setEncoding('utf8').on('data', (text: string) => report({ kind: 'output', text }))
}
child.on('close', (code, signal) => {
  // The starter’s other programs may end a little later, and write until then.
  if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  report({ kind: 'ended', code, signal })
  if (process.connected) process.disconnect()
})

// The channel closes when the starter lets go of it and when it is killed with no chance to say so: one path for both.
process.on('disconnect', () => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), graceMs).unref()
})

function report(message: GuardianReport): void {
  if (process.connected) process.send?.(message)
}
