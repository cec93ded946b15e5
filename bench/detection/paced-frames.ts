import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendBytes } from '#kernel/libc.ts'
import { openRawLink } from '../../test/support/raw-link.ts'

/**
 * LINK FILE PAUSE: sends the frames of each line (hexadecimal words) at once, with so many milliseconds between lines.
 * Says when it began each: nanoseconds of the monotonic clock, which all processes of a machine share.
 */
const [name, file = '', pauseMs = ''] = process.argv.slice(2)
const fd = openRawLink(name)
for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
  const frames = line.split(' ').map((hex) => Buffer.from(hex, 'hex'))
  const startedAt = process.hrtime.bigint()
  for (const frame of frames) sendBytes(fd, frame)
  process.stdout.write(`${startedAt}\n`)
  await sleep(Number(pauseMs))
}
