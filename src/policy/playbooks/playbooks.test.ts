import { describe, expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import { aFinding } from '../../../test/support/findings.ts'
import { commandLineOf } from './command.ts'
import { createPlaybooks } from './evaluate.ts'
import { playbooksSettingsFor } from './settings.ts'

const schema = playbooksSettingsFor(['port-scan', 'flood'])
const MINUTE = 60_000

/** A playbook with this `when`, and what else it is about. */
const playbooksWith = (when: object, about: object = {}) =>
  createPlaybooks(
    schema.parse({ books: [{ name: 'bell', when, steps: [{ notify: 'ring' }], ...about }] }).books,
  )

const isDue = (when: object, about: Parameters<typeof aFinding>[0] = {}): boolean =>
  playbooksWith(when).due(aFinding(about)).length > 0

describe('a playbook is due', () => {
  test.each<[string, object, boolean]>([
    ['whatever it is, without conditions', {}, true],
    ['of its detector', { detector: 'port-scan' }, true],
    ['not of another', { detector: 'flood' }, false],
    ['of one of its detectors', { detector: ['flood', 'port-scan'] }, true],
    ['of its kind', { kind: ['xmas', 'syn'] }, true],
    ['not of another kind', { kind: 'xmas' }, false],
    ['from its severity up', { severity: 'medium' }, true],
    ['not below', { severity: 'critical' }, false],
    ['against its victims', { victim: '192.0.2.0/24' }, true],
    ['not against others', { victim: '198.51.100.7' }, false],
  ])('%s', (_what, when, isExpected) => {
    expect(isDue(when)).toBe(isExpected)
  })

  test('the third time within the hour, not the third time within the week', () => {
    const often = playbooksWith({ times: 3, withinMinutes: 60 })
    const at = (minutes: number) => often.due(aFinding({ at: minutes * MINUTE })).length
    expect([at(0), at(50), at(70), at(100)]).toEqual([0, 0, 0, 1])
  })

  test('by each source of its own', () => {
    const often = playbooksWith({ times: 2 })
    expect(often.due(aFinding())).toEqual([])
    expect(often.due(aFinding({ subject: ip('203.0.113.10') }))).toEqual([])
    expect(often.due(aFinding())).toHaveLength(1)
  })

  test('not again while it cools down, for the same source', () => {
    const book = playbooksWith({}, { coolDownMinutes: 10 })
    const at = (minutes: number, subject = ip('203.0.113.9')) =>
      book.due(aFinding({ at: minutes * MINUTE, subject })).length
    expect([at(0), at(9.9), at(9.9, ip('203.0.113.10')), at(10)]).toEqual([1, 0, 1, 1])
  })

  test('for a newcomer too when very many sources came before: what is remembered is bounded', () => {
    const book = playbooksWith({ times: 2 })
    for (let n = 0; n < 20_000; n++) book.due(aFinding({ subject: ip(`10.0.${n >> 8}.${n & 255}`) }))
    book.due(aFinding())
    expect(book.due(aFinding())).toHaveLength(1)
  })
})

describe('what does not fit says what was meant', () => {
  const problemsOf = (settings: object) =>
    schema
      .safeParse(settings)
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
      .join('\n')
  const book = (about: object) => ({
    books: [{ name: 'bell', when: {}, steps: [{ notify: 'ring' }], ...about }],
  })

  test.each<[string, object, string]>([
    [
      'a key',
      book({ coolDownMinute: 3 }),
      'books.0.coolDownMinute: There is no "coolDownMinute" here. Did you mean coolDownMinutes?',
    ],
    [
      'a key of when',
      book({ when: { detektor: 'flood' } }),
      'books.0.when.detektor: There is no "detektor" here. Did you mean detector?',
    ],
    [
      'a detector',
      book({ when: { detector: 'port-scam' } }),
      'books.0.when.detector: There is no detector "port-scam". Did you mean port-scan?',
    ],
    [
      'a step',
      book({ steps: [{ blok: { seconds: 3 } }] }),
      'books.0.steps.0.blok: There is no "blok" here. Did you mean block?',
    ],
    [
      'two steps in one',
      book({ steps: [{ notify: 'a', run: 'b' }] }),
      'books.0.steps.0: Each step is exactly one of block, limit, closeConnections, closePort, capture, notify, run',
    ],
    [
      'a command that is not there',
      { ...book({ steps: [{ run: 'ring' }] }), commands: { rings: ['/bin/true'] } },
      'books.0.steps.0.run: There is no command ring in playbooks.commands. Did you mean rings?',
    ],
    [
      'a path that is not absolute',
      { commands: { ring: ['true'] } },
      'commands.ring.0: Use the absolute path of a program',
    ],
    [
      'a placeholder within a word',
      { commands: { ring: ['/bin/true', '--who={subject}'] } },
      'commands.ring.1: A placeholder is a whole argument',
    ],
    [
      'a placeholder that there is not',
      { commands: { ring: ['/bin/true', '{summary}'] } },
      'commands.ring.1: A placeholder is a whole argument, one of {subject}',
    ],
  ])('%s', (_what, settings, problem) => {
    expect(problemsOf(settings)).toContain(problem)
  })
})

describe('a command', () => {
  const { commands } = schema.parse({
    commands: {
      bell: ['/usr/bin/bell', '--who', '{subject}', '{victim}', '{kind}', '{alert}', 'plain $HOME'],
    },
  })
  const alert: Alert = { ...aFinding(), id: 12, times: 1, lastSeenAt: 0, response: '', archived: false }

  test('gets addresses, words and numbers in place of its placeholders, and the rest as it stands', () => {
    expect(commandLineOf(commands, 'bell', alert)).toEqual({
      path: '/usr/bin/bell',
      args: ['--who', '203.0.113.9', '192.0.2.1', 'syn', '12', 'plain $HOME'],
    })
  })

  test.each(['no-such', 'constructor', '__proto__'])('named %s is none', (name) => {
    expect(commandLineOf(commands, name, alert)).toBeUndefined()
  })
})
