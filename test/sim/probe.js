/** An object that shows how the runtime treats storage and calls, and the calls that show it. Runs in workerd and in the simulator. */

/** The class, on the base class of the runtime. */
export const probeOn = (DurableObject) =>
  class Probe extends DurableObject {
    constructor(ctx, env) {
      super(ctx, env)
      this.log = []
      ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS t (a); CREATE TABLE IF NOT EXISTS u (a)')
      ctx.blockConcurrencyWhile(async () => {
        await scheduler.wait(20)
        this.log.push('built')
      })
    }

    async read() {
      const log = this.log.join(' ')
      this.log = []
      const rows = this.ctx.storage.sql.exec('SELECT a FROM t ORDER BY a').toArray()
      return { log, rows: rows.map(({ a }) => a) }
    }

    async say(word) {
      this.log.push(word)
    }

    async write(value) {
      this.ctx.storage.sql.exec('INSERT INTO t VALUES (?)', value)
      return value
    }

    async syncing() {
      this.log.push('a1')
      this.ctx.storage.sql.exec('INSERT INTO t VALUES (1)')
      await this.ctx.storage.sync()
      this.log.push('a2')
    }

    async throwing() {
      this.ctx.storage.sql.exec('INSERT INTO t VALUES (2)')
      throw new TypeError('thrown')
    }

    async rollingBack() {
      try {
        this.ctx.storage.transactionSync(() => {
          this.ctx.storage.sql.exec('INSERT INTO t VALUES (3)')
          this.ctx.storage.kv.put('key', 'lost')
          throw new Error('undone')
        })
      } catch (fault) {
        return [fault.message, this.ctx.storage.kv.get('key') ?? null]
      }
    }

    async aborting() {
      this.ctx.storage.sql.exec('INSERT INTO t VALUES (4)')
      this.ctx.storage.setAlarm(Date.now() + 3_600_000)
      this.ctx.abort('aborted')
    }

    async answersThenAborts(value) {
      this.ctx.storage.sql.exec('INSERT INTO t VALUES (?)', value)
      // In the same turn: the write is not on disk, so the answer must not leave.
      this.abortSoon('aborted at once')
      return value
    }

    async answersThenWrites(value) {
      this.ctx.storage.sql.exec('INSERT INTO t VALUES (?)', value)
      setTimeout(() => {
        this.ctx.storage.sql.exec('INSERT INTO t VALUES (?)', value + 1)
        this.abortSoon('aborted later')
      }, 100)
      return value
    }

    /** `abort` throws: this call ends first. */
    abortSoon(why) {
      Promise.resolve()
        .then(() => this.ctx.abort(why))
        .catch(() => undefined)
    }

    async blocking() {
      await this.ctx.blockConcurrencyWhile(async () => {
        this.log.push('blocked')
        await scheduler.wait(50)
        this.log.push('open')
      })
    }

    async values() {
      const { sql } = this.ctx.storage
      const row = sql
        .exec('SELECT ?1 AS yes, ?2 AS none, ?3 AS bytes, ?4 AS big', true, null, new Uint8Array([7]), 1e300)
        .one()
      const bytes = [row.bytes instanceof ArrayBuffer, ...new Uint8Array(row.bytes)]
      const fault = (work) => {
        try {
          return work()
        } catch ({ name, message }) {
          return `${name}: ${message.split(/[,:]/)[0]}`
        }
      }
      const none = fault(() => sql.exec('SELECT 1 WHERE 0').one())
      const two = fault(() => sql.exec('SELECT 1 UNION SELECT 2').one())
      const broken = fault(() => sql.exec('SELECT * FROM nowhere').toArray()).includes('no such table')
      return [{ ...row, bytes }, none, two, broken]
    }

    async slow() {
      await scheduler.wait(300)
      return 'too late'
    }

    async integers() {
      const big = this.ctx.storage.sql.exec('SELECT 9007199254740993 AS n').one().n
      const [twice] = this.ctx.storage.sql.exec('SELECT ?1 AS a, ?1 + ?2 AS b', 1, 2).toArray()
      const [row] = this.ctx.storage.sql.exec('INSERT INTO u VALUES (5) RETURNING a').toArray()
      return [String(big), twice, row, [...this.ctx.storage.sql.exec('SELECT a FROM u')]]
    }

    async keys() {
      const { kv } = this.ctx.storage
      kv.put('key', { at: 1 })
      const kept = kv.get('key')
      kv.delete('key')
      return [kept, kv.get('key') ?? null]
    }

    async changed(value) {
      value.list.push('changed')
      return { value, map: new Map([['a', 1n]]) }
    }

    async arm() {
      await this.ctx.storage.setAlarm(Date.now() + 10)
      return (await this.ctx.storage.getAlarm()) !== null
    }

    async armed() {
      return (await this.ctx.storage.getAlarm()) !== null
    }

    async alarm() {
      const during = await this.ctx.storage.getAlarm()
      this.log.push(`rang ${during === null}`)
      if (!this.again) await this.ctx.storage.setAlarm(Date.now() + 10)
      this.again = true
    }
  }

const flags = ({ name, message, remote, durableObjectReset }) => ({
  name,
  message,
  remote: remote === true,
  reset: durableObjectReset === true,
})

/** What the object shows. `stub` makes a new stub of it. */
export async function observe(stub) {
  const seen = {}
  await Promise.all([stub().say('first'), stub().say('second')])
  seen.nothingBeforeConstructor = (await stub().read()).log.startsWith('built')
  const one = stub()
  await Promise.all([one.syncing(), one.say('b'), one.say('b')])
  seen.sync = (await stub().read()).log
  seen.thrown = await stub().throwing().catch(flags)
  seen.rowsAfterThrow = (await stub().read()).rows
  seen.rolledBack = await stub().rollingBack()
  seen.rowsAfterRollback = (await stub().read()).rows
  await stub().write(9)
  const broken = stub()
  const slow = broken.slow().catch(flags)
  seen.aborted = await broken.aborting().catch(flags)
  seen.inFlight = await slow
  seen.brokenStub = (await broken.say('x').catch(flags)).reset
  seen.rowsAfterAbort = (await stub().read()).rows
  seen.alarmAfterAbort = await stub().armed()
  seen.answerOfUnwritten = await stub().answersThenAborts(6).catch(flags)
  // The row may be on disk or not: the caller must not be told that it is.
  const others = async () => (await stub().read()).rows.filter((row) => row !== 6)
  seen.rowsAfterIt = await others()
  seen.answerOfWritten = await stub().answersThenWrites(7).catch(flags)
  await scheduler.wait(200)
  seen.rowsAfterBoth = await others()
  const blocked = stub()
  await Promise.all([blocked.blocking(), blocked.say('after'), blocked.say('after')])
  seen.blocked = (await stub().read()).log
  seen.values = await stub().values()
  seen.integers = await stub().integers()
  seen.keys = await stub().keys()
  const sent = { list: ['sent'] }
  const { value, map } = await stub().changed(sent)
  seen.cloned = [sent, value, String(map.get('a'))]
  await stub().read()
  const ordered = stub()
  await Promise.all(['1', '2', '3', '4'].map((word) => ordered.say(word)))
  seen.order = (await stub().read()).log
  seen.armed = await stub().arm()
  await scheduler.wait(200)
  seen.rang = (await stub().read()).log
  seen.armedAfter = await stub().armed()
  return seen
}
