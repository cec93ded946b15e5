import { createInterface } from 'node:readline'
import { sendBytes } from '#kernel/libc.ts'
import { openRawLink } from './raw-link.ts'

/** Sends the frames of each line of hex words as they are, and answers each line with their number. */
const [name] = process.argv.slice(2)
const fd = openRawLink(name)
for await (const line of createInterface({ input: process.stdin })) {
  const frames = line.split(' ').filter((word) => word !== '')
  for (const hex of frames) sendBytes(fd, Buffer.from(hex, 'hex'))
  process.stdout.write(`${frames.length}\n`)
}
