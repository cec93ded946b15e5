import { expect, test } from 'vitest'
import type { Actor } from '#api/port.ts'
import type { Decision } from '#model/decision.ts'
import { createClosedPorts } from './closed-ports.ts'

const anna: Actor = { name: 'anna', role: 'operator' }

function ports() {
  const closed = new Map<number, number>()
  const decisions: Decision[] = []
  const clock = { now: 1_000 }
  const shield = {
    closePort: (port: number, until: number) => closed.set(port, until).size > 0,
    openPort: (port: number) => closed.delete(port),
    standing: () => ({ guarded: new Map(), challenged: new Map(), closed }),
  }
  const made = createClosedPorts(shield, {
    now: () => clock.now,
    note(undated) {
      const decision = { id: decisions.length + 1, at: clock.now, ...undated }
      decisions.push(decision)
      return { decision, recorded: Promise.resolve() }
    },
  })
  return { ...made, closed, decisions, clock }
}

test('a port that was closed is opened by undo, and by undo of that closed until its time is over', async () => {
  const { closePort, undo, closed, decisions, clock } = ports()
  expect(closePort(8080, 601_000, { actor: 'playbook', reason: 'a scan', alertId: 4 })).toBe(true)
  expect(decisions[0]).toMatchObject({ kind: 'close-port', target: 'port 8080', forSeconds: 600, alertId: 4 })
  const answer = await undo(decisions[0] as Decision, anna)
  expect(answer).toMatchObject({ sentence: 'Port 8080 is open again.', undo: '/api/v1/decisions/2/undo' })
  expect([closed.size, decisions[1]?.undoes]).toEqual([0, 1])
  clock.now = 301_000
  expect((await undo(decisions[1] as Decision, anna)).sentence).toBe('Port 8080 is closed for 5 min.')
  expect(closed.get(8080)).toBe(601_000)
  await undo(decisions[2] as Decision, anna)
  clock.now = 700_000
  await expect(undo(decisions[3] as Decision, anna)).rejects.toThrow('is over')
})

test('a port that is not closed cannot be opened', () => {
  expect(() => ports().open(80, { actor: 'anna', reason: 'by hand' })).toThrow('Port 80 is not closed.')
})
