import { followJournal } from '#logs/journal-follower.ts'
import { followProgram } from '../../src/kernel/follow.ts'

/** Follows the journal of its mount namespace, and prints each message on a line of its own. */
const [placeFile = ''] = process.argv.slice(2)
const follower = followJournal({
  follow: followProgram,
  placeFile,
  now: Date.now,
  take: ({ message }) => process.stdout.write(`${message}\n`),
})
// Waiting for a journalctl to be started anew keeps no process alive.
setInterval(() => {}, 1_000)
process.once('SIGTERM', async () => {
  await follower.stop()
  process.exit()
})
