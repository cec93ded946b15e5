import type { CommandOutcome } from '#kernel/run.ts'
import type { Ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Block } from '#model/block.ts'
import { type CommandLine, commandLineOf } from '#policy/playbooks/command.ts'
import { createPlaybooks } from '#policy/playbooks/evaluate.ts'
import type { Playbook, PlaybooksSettings, Step } from '#policy/playbooks/settings.ts'
import { type Responder, whyNobody } from '#policy/respond/respond.ts'
import type { Gate } from './gate.ts'
import { duration } from './present.ts'

/** More wait for nobody: an attacker could keep the machine busy with our own commands. */
const COMMANDS_AT_ONCE = 4
const OUTPUT_SHOWN = 200
const FORGED = 'not done, the source may be forged (respond.blocksPerMinute, respond.guestDays)'

export interface PlaybookParts {
  readonly settings: PlaybooksSettings
  readonly gate: Gate
  /** The budget of the response: what may be forged spends it here too. */
  readonly grants: Responder['grants']
  readonly closeSockets: (target: Alert['subject']) => number
  readonly run: (line: CommandLine) => Promise<CommandOutcome>
  /** Closes the ports that the alert is about; answers in words. */
  readonly closePorts: (alert: Alert, seconds: number) => string
  /** Keeps the next packets of an address in a file; false: enough are kept at once already. */
  readonly capture: (address: Ip, packets: number) => boolean
  /** Tells people: the journal. */
  readonly say: (sentence: string) => void
}

/** Plays the playbooks that an alert sets off; every block goes through the gate. Answers what was done, in words. */
export interface PlaybookPlayer {
  play(alert: Alert): readonly string[]
}

export function createPlaybookPlayer(parts: PlaybookParts): PlaybookPlayer {
  const { gate } = parts
  const { due } = createPlaybooks(parts.settings.books)
  const commands = createCommandRunner(parts)
  const doToSubject = createSubjectActs(parts)

  function play(playbook: Playbook, alert: Alert): string {
    const words = playbook.steps.map((step) =>
      playbook.dryRun ? `would ${wordsOf(step)}` : doStep(step, playbook, alert),
    )
    const done = words.join(', ')
    gate.note({
      kind: 'playbook',
      target: alert.subject,
      actor: `playbook ${playbook.name}`,
      reason: done,
      alertId: alert.id,
    })
    return `playbook ${playbook.name}: ${done}`
  }

  function doStep(step: Step, playbook: Playbook, alert: Alert): string {
    if (step.notify !== undefined) {
      parts.say(`Playbook ${playbook.name}: ${step.notify} (alert ${alert.id}: ${alert.summary})`)
      return wordsOf(step)
    }
    if (step.run !== undefined) return commands.run(step.run, playbook, alert)
    return doWithoutBlame(step, alert) ?? doToSubject(step, playbook, alert)
  }

  function doWithoutBlame({ closePort, capture }: Step, alert: Alert): string | undefined {
    if (closePort) return parts.closePorts(alert, closePort.seconds)
    if (!capture) return undefined
    if (!parts.capture(alert.subject, capture.packets))
      return `did not ${wordsOf({ capture })}: too many at once`
    return `keeps ${packetsOf(capture)} of ${alert.subject}`
  }

  return {
    play: (alert) =>
      due(alert).map(({ playbook, state }) =>
        state === 'played'
          ? play(playbook, alert)
          : `playbook ${playbook.name}: not played, too often in a minute and the source may be forged`,
      ),
  }
}

/** What is done to the source that an alert blames: within the budget, and through the gate. */
function createSubjectActs(parts: PlaybookParts) {
  const { gate, grants, closeSockets } = parts

  function doToSubject(step: Step, playbook: Playbook, alert: Alert): string {
    const why = alert.blame === 'nobody' ? 'nobody to blame' : whyNobody(alert)
    if (why !== undefined) return `not done, ${why}: ${wordsOf(step)}`
    if (step.closeConnections) {
      if (gate.spares(alert.subject)) return 'not done, the allow list has it: close its connections'
      if (!grants(alert, 'block')) return `${FORGED}: ${wordsOf(step)}`
      return `closed ${closeSockets(alert.subject)} connections`
    }
    return shutOut(step, playbook, alert)
  }

  function shutOut(step: Step, playbook: Playbook, alert: Alert): string {
    const { subject } = alert
    const { seconds } = step.block ?? step.limit ?? { seconds: 0 }
    const refusal = whyNot(step, alert, alert.lastSeenAt + seconds * 1000)
    if (refusal !== undefined) return refusal
    const answer = gate.block({
      ...{ target: subject, seconds, ...(step.limit && { effect: 'limit' }) },
      ...{ origin: 'detector', actor: alert.detector, alertId: alert.id },
      reason: `${alert.summary}; playbook ${playbook.name}`,
    })
    if (answer.state === 'spared') return `not done, ${answer.by.note}: ${wordsOf(step)}`
    if (step.limit) return `limited for ${duration(seconds)}`
    setImmediate(() => closeSockets(subject))
    return `blocked for ${duration(seconds)}`
  }

  function whyNot(step: Step, alert: Alert, until: number): string | undefined {
    const { subject } = alert
    const standing = gate.blockOf(subject)
    if (standing && !adds(standing, step, until)) {
      return `${subject} is ${standing.effect === 'limit' ? 'limited' : 'blocked'} already`
    }
    // Who is spared spends nothing: the gate says why.
    if (gate.spares(subject) || grants(alert, step.limit ? 'limit' : 'block')) return undefined
    return `${FORGED}: ${wordsOf(step)}`
  }

  return doToSubject
}

/** A block never makes another shorter, and a limit never replaces one. */
const adds = ({ effect, until }: Block, step: Step, newUntil: number): boolean =>
  step.block !== undefined && (effect === 'limit' || (until !== undefined && until < newUntil))

/** Runs what the config names, a few at a time; how it ended is said when it did. */
function createCommandRunner({ settings, run, say }: PlaybookParts) {
  let running = 0
  return {
    run(name: string, playbook: Playbook, alert: Alert): string {
      const line = commandLineOf(settings.commands, name, alert)
      if (line === undefined) return `there is no command ${name}`
      if (running >= COMMANDS_AT_ONCE) return `did not run ${name}: ${running} commands run already`
      running++
      void run(line).then((outcome) => {
        running--
        say(`Playbook ${playbook.name}: ${name} ${endOf(outcome)}`)
      })
      return `ran ${name}`
    },
  }
}

function endOf(outcome: CommandOutcome): string {
  if (outcome.state === 'failed') return `failed: ${outcome.reason}`
  const { code, output } = outcome
  const said = output.trim().slice(0, OUTPUT_SHOWN)
  return `ended with ${code}${said === '' ? '' : `: ${said}`}`
}

const packetsOf = ({ packets }: { readonly packets: number }): string =>
  packets === 1 ? 'the next packet' : `the next ${packets} packets`

function wordsOf({ block, limit, closeConnections, closePort, capture, notify, run }: Step): string {
  if (block) return `block for ${duration(block.seconds)}`
  if (limit) return `limit for ${duration(limit.seconds)}`
  if (closeConnections) return 'close its connections'
  if (closePort) return `close the port for ${duration(closePort.seconds)}`
  if (capture) return `keep ${packetsOf(capture)}`
  return notify === undefined ? `run ${run}` : 'notify'
}
