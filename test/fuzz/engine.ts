import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { everyKindOfFrame, runMutations } from '../support/mutations.ts'

/**
 * Mutated packets through the whole engine: `node test/fuzz/engine.ts [packets] [folder of *.pcap.gz]`.
 * Ten million unless told. A fault ends it with the seed that shows it again.
 */
const PIECE = 500_000
const FRAMES_PER_CAPTURE = 2000

const [wanted = '10000000', folder] = process.argv.slice(2)
const frames = [...everyKindOfFrame(), ...(folder === undefined ? [] : captured(folder))]
const startedAt = performance.now()
let packets = 0
let decoded = 0
let flows = 0
for (let seed = 1; packets < Number(wanted); seed++) {
  try {
    const run = runMutations(frames, Math.min(PIECE, Number(wanted) - packets), seed)
    packets += run.packets
    decoded += run.decoded
    flows += run.flows
  } catch (cause) {
    throw new Error(`seed ${seed} of ${frames.length} frames`, { cause })
  }
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
process.stdout.write(
  `${packets} mutated packets from ${frames.length} frames: ${decoded} decoded, ${flows} flows, no fault, ${seconds} s\n`,
)

/** The first frames of every classic little-endian capture in `folder`. */
function captured(from: string): Uint8Array[] {
  const found: Uint8Array[] = []
  for (const name of readdirSync(from).filter((file) => file.endsWith('.pcap.gz'))) {
    const bytes = gunzipSync(readFileSync(join(from, name)))
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 24, count = 0; at + 16 <= bytes.length && count < FRAMES_PER_CAPTURE; count++) {
      const length = view.getUint32(at + 8, true)
      found.push(bytes.subarray(at + 16, at + 16 + length))
      at += 16 + length
    }
  }
  return found
}
