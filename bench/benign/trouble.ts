import { createNet } from '#detect/self-test/net.ts'
import { type Hearing, OWN, STEP_MS, STEPS } from './machine.ts'
import { LISTED_ADDRESS } from './threats.ts'

const [FLOOD_SECONDS, FLOOD_PER_SECOND] = [5, 3_000]

/** Once the day is over, what must not go by in silence: a call to a listed address, and a flood of forged SYNs. */
export function makeTrouble(hearing: Pick<Hearing, 'frame' | 'tick'>): void {
  const net = createNet(hearing)
  net.pass(STEPS * STEP_MS + STEP_MS)
  net.talks({ from: OWN, to: LISTED_ADDRESS, port: 443, sent: 300 })
  net.pass(STEP_MS)
  for (let second = 0; second < FLOOD_SECONDS; second++) {
    for (let n = 0; n < FLOOD_PER_SECOND; n++) {
      const from = `${20 + second}.${n >> 8}.${n & 255}.7:${1_024 + n}`
      net.say({ from, to: `${OWN}:443`, flags: 'S' })
    }
    net.pass(1_000)
  }
  net.pass(STEP_MS)
}
