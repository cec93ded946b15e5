import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { afterEach, expect } from 'vitest'
import { testWith } from '../../test/support/needs.ts'
import { asOthers, goAhead, setThreadNice } from './priority.ts'

const test = testWith('root')

afterEach(() => {
  setThreadNice(0)
})

/** proc(5): field 19, counted behind the name in brackets. */
const niceOf = (process: string): number =>
  Number(readFileSync(`/proc/${process}/stat`, 'utf8').split(') ')[1]?.split(' ')[16])

test('a thread goes ahead, and what it starts as others does not', async () => {
  goAhead()
  const child = asOthers(() => spawn('sleep', ['60'], { stdio: 'ignore' }))
  try {
    expect([niceOf('thread-self'), niceOf(`${child.pid}`)]).toEqual([-20, 0])
  } finally {
    child.kill()
    await once(child, 'exit')
  }
})
