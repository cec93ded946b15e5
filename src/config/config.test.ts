import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'
import { environmentOverrides, variableOf } from './environment.ts'
import { loadConfig, type Override } from './load.ts'
import { configReference } from './reference.ts'
import { changedConfig, writeConfig } from './write.ts'

const sections = {
  store: z
    .strictObject({
      flowsDays: z.number().int().min(1).max(3650).default(30).describe('Days that flows are kept'),
      maxMegabytes: z.number().int().min(16).default(4096).describe('Size | bound'),
    })
    .describe('What is remembered'),
  respond: z
    .object({
      blockFrom: z.enum(['low', 'medium', 'high']).default('high').describe('Severity'),
      hooks: z.array(z.string()).default([]).describe('Names'),
      from: z.number().min(0).exactOptional(),
      span: z.union([z.literal('auto'), z.number()]).default('auto'),
    })
    .refine(({ hooks }) => new Set(hooks).size === hooks.length, {
      message: 'expected each hook once',
      path: ['hooks'],
    }),
  allow: z
    .array(z.string().refine((text) => text.includes('.'), { error: 'Use an address' }))
    .default([])
    .describe('Spared'),
  'detectors.port-scan': z.object({ ports: z.int().min(2).default(15), on: z.boolean().default(true) }),
}

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-config-'))
  path = join(folder, 'config.yaml')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const load = (text: string, overrides: readonly Override[] = []) => {
  writeFileSync(path, text)
  return loadConfig({ path, sections, overrides })
}

function errorOf(work: () => unknown): ConfigError {
  try {
    work()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('nothing was wrong')
}

const complaints = (text: string): string[] =>
  errorOf(() => load(text))
    .message.replaceAll(path, 'FILE')
    .split('\n')

describe('loadConfig', () => {
  test('without a file everything has its default', () => {
    const config = loadConfig({ path, sections })

    expect(config.sections).toEqual({
      store: { flowsDays: 30, maxMegabytes: 4096 },
      respond: { blockFrom: 'high', hooks: [], span: 'auto' },
      allow: [],
      'detectors.port-scan': { ports: 15, on: true },
    })
    expect(config.values).toMatchObject({ detectors: { 'port-scan': { ports: 15 } } })
  })

  test.each(['', '# nothing chosen\n', 'store:\n', 'detectors:\n  port-scan:\n', '{}', '\uFEFFstore:\n'])(
    'takes %j for all defaults',
    (text) => expect(load(text).sections.store.flowsDays).toBe(30),
  )

  test('reads YAML, and JSON, and says of each value where it comes from', () => {
    const yaml = load('store:\n  flowsDays: 7 # a week\ndetectors: { port-scan: { ports: 3 } }\n', [
      { setting: 'respond.blockFrom', value: 'low', from: 'flag', name: '--block-from' },
    ])
    const origins = Object.fromEntries(
      yaml.settings.map(({ setting, value, origin }) => [setting, [value, origin]]),
    )

    expect(origins).toMatchObject({
      'store.flowsDays': [7, { from: 'file', file: path, line: 2 }],
      'store.maxMegabytes': [4096, { from: 'default' }],
      'respond.blockFrom': ['low', { from: 'flag', name: '--block-from' }],
      'detectors.port-scan.ports': [3, { from: 'file', line: 3 }],
    })
    expect(yaml.settings[0]).toMatchObject({ description: 'Days that flows are kept', default: 30 })
    expect(load('{"store": {"flowsDays": 9}}').sections.store.flowsDays).toBe(9)
  })

  test('names everything that is wrong at once, with place, expectation, finding and hint', () => {
    expect(
      complaints(
        [
          'store:',
          '  flowDays: 7',
          '  flowsDays: thirty',
          '  maxMegabytes: 1.5',
          'respond:',
          '  blockFrom: hgih',
          '  hooks: [a, 5]',
          '  from: -1',
          'detectors:',
          '  port-scan: 12',
          'stroe: {}',
        ].join('\n'),
      ),
    ).toEqual([
      'FILE:2:3: store.flowDays: there is no such setting. Did you mean flowsDays?',
      'FILE:11:1: stroe: there is no such setting. Did you mean store?',
      'FILE:3:14: store.flowsDays: expected a whole number from 1 to 3650, found the text "thirty". Correct it, or remove the setting: then it is 30.',
      'FILE:4:17: store.maxMegabytes: expected a whole number from 16, found the number 1.5. Correct it, or remove the setting: then it is 4096.',
      'FILE:6:14: respond.blockFrom: expected one of low, medium, high, found the text "hgih". Did you mean high?',
      'FILE:7:14: respond.hooks.1: expected string, found the number 5. Correct it, or remove the setting: then it is [].',
      'FILE:8:9: respond.from: expected a number from 0, found the number -1. Correct it, or remove the setting.',
      'FILE:10:14: detectors.port-scan: expected object, found the number 12. Correct it, or remove the setting.',
    ])
  })

  test.each([
    [
      'respond: { hooks: [a, a] }',
      'FILE:1:19: respond.hooks: expected each hook once, found the list ["a","a"]. Correct it, or remove the setting: then it is [].',
    ],
    [
      'respond: { span: wide }',
      'FILE:1:18: respond.span: expected "auto" or a number, found the text "wide". Correct it, or remove the setting: then it is "auto".',
    ],
    [
      'port-scan: { ports: 2 }',
      'FILE:1:1: port-scan: there is no such setting. Known here: store, respond, allow, detectors.',
    ],
    ['flowsDays: 2', 'FILE:1:1: flowsDays: there is no such setting. Did you mean store.flowsDays?'],
    [
      '[1, 2]',
      'FILE:1:1: expected groups of settings, found the list [1,2]. Write sections such as store, respond, allow, each with its settings below it.',
    ],
    [
      '__proto__: { flowsDays: 2 }',
      'FILE:1:1: __proto__: there is no such setting. Known here: store, respond, allow, detectors.',
    ],
    [
      'store: { flowsDays: ~ }',
      'FILE:1:21: store.flowsDays: expected a whole number from 1 to 3650, found an empty value. Correct it, or remove the setting: then it is 30.',
    ],
  ])('says of %j what is wrong', (text, complaint) => {
    expect(complaints(text).join('\n')).toBe(complaint)
  })

  test.each([
    ['store:\n\tflowsDays: 3', /^FILE:2:1: this is not valid YAML: Tabs are not allowed as indentation/],
    ['store: { flowsDays: 3', /^FILE:1:\d+: this is not valid YAML/],
    ['store: {}\nstore: {}', /^FILE:2:1: this is not valid YAML: Map keys must be unique/],
    ['store: !!js/function x', /^FILE:1:8: this is not valid YAML: Unresolved tag/],
    ['? [a, b]\n: 1', /^FILE:1:\d+: this is not valid YAML: With stringKeys, all keys must be strings/],
    ['a: &a [1]\nb: *missing', /^FILE: this cannot be read: Unresolved alias/],
  ])('says of %j that it is no YAML, and where', (text, complaint) => {
    expect(complaints(text)[0]).toMatch(complaint)
  })

  test('aliases that multiply are one error, not all the memory', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    for (let at = 1; at < 12; at++) bomb.push(`a${at}: &a${at} [${`*a${at - 1}, `.repeat(9)}]`)

    expect(complaints(bomb.join('\n'))).toEqual([expect.stringContaining('Excessive alias count')])
  })

  test('what a value says cannot act on the terminal', () => {
    expect(complaints('store: { flowsDays: "\\e[2J\\u202e" }')[0]).toContain('"\\u001b[2J\\u202e"')
  })

  test('a wrong override is blamed on its flag or variable', () => {
    const overrides = environmentOverrides(sections, {
      GATEHOUSE_STORE_FLOWS_DAYS: 'many',
      HOME: '/root',
    })

    expect(variableOf(['detectors', 'port-scan', 'ports'])).toBe('GATEHOUSE_DETECTORS_PORT_SCAN_PORTS')
    expect(errorOf(() => load('store: { flowsDays: 3 }', overrides)).message).toMatch(
      /^GATEHOUSE_STORE_FLOWS_DAYS: store.flowsDays: expected a whole number from 1 to 3650, found the text "many"/,
    )
  })

  test('an unreadable file says why, and an absent one only when it was asked for', () => {
    const gone = join(folder, 'gone.yaml')
    expect(errorOf(() => loadConfig({ path: gone, sections, isRequired: true })).message).toContain(
      'there is no such file',
    )
    expect(errorOf(() => loadConfig({ path: folder, sections })).message).toContain('it is a folder')
    writeFileSync(path, Buffer.from([0x73, 0xff, 0xfe]))
    expect(errorOf(() => loadConfig({ path, sections })).message).toContain('it is not UTF-8 text')
    writeFileSync(path, ' '.repeat(1_100_000))
    expect(errorOf(() => loadConfig({ path, sections })).message).toContain('1100000 bytes long')
  })

  test('whatever the text: settings, or a ConfigError', () => {
    const pieces = fc.constantFrom(
      'store',
      ':',
      ' ',
      '\n',
      '- ',
      '{',
      '}',
      '[',
      '"',
      'flowsDays',
      '7',
      '&a',
      '*a',
      '#',
      '|',
      '? ',
      '!!int ',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((all) => all.join('')),
        ),
        (text) => {
          try {
            load(text)
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('changing the file', () => {
  const file = { path: '', sections }
  const write = (setting: string, value: unknown) =>
    writeConfig(path, changedConfig({ ...file, path }, [{ setting, value }]))

  test('keeps comments, order and mode', () => {
    writeFileSync(path, '# Mine\nstore:\n  # a month\n  flowsDays: 30 # enough\n\nrespond: {}\n')
    chmodSync(path, 0o640)
    write('store.flowsDays', 60)
    write('detectors.port-scan.ports', 9)

    expect(readFileSync(path, 'utf8')).toBe(
      '# Mine\nstore:\n  # a month\n  flowsDays: 60 # enough\n\nrespond: {}\ndetectors:\n  port-scan:\n    ports: 9\n',
    )
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })

  test('begins a file, fills an empty section, and takes a setting out again', () => {
    write('store.flowsDays', 5)
    expect(readFileSync(path, 'utf8')).toBe('store:\n  flowsDays: 5\n')
    writeFileSync(path, 'store:\n')
    write('store.maxMegabytes', 64)
    expect(load(readFileSync(path, 'utf8')).sections.store.maxMegabytes).toBe(64)
    write('store.maxMegabytes', undefined)
    expect(load(readFileSync(path, 'utf8')).sections.store.maxMegabytes).toBe(4096)
  })

  test('JSON stays JSON', () => {
    path = join(folder, 'config.json')
    writeFileSync(path, '{"store": {"flowsDays": 3}}')
    write('respond.hooks', ['a'])

    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      store: { flowsDays: 3 },
      respond: { hooks: ['a'] },
    })
  })

  test.each([
    [
      'store.flowsDays',
      0,
      /FILE:\d+:\d+: store.flowsDays: expected a whole number from 1 to 3650, found the number 0/,
    ],
    ['store.flowsDay', 5, /there is no such setting. Did you mean store.flowsDays\?/],
    ['respond.hooks', ['a', 'a'], /expected each hook once/],
  ])('a bad %s = %j never replaces a good file', (setting, value, complaint) => {
    const good = 'store: { flowsDays: 3 } # good\n'
    writeFileSync(path, good)

    expect(errorOf(() => write(setting, value)).message.replaceAll(path, 'FILE')).toMatch(complaint)
    expect(readFileSync(path, 'utf8')).toBe(good)
  })

  test('a file that is wrong already is not touched', () => {
    writeFileSync(path, 'store: { flowsDays: x }\n')
    expect(() => write('store.maxMegabytes', 64)).toThrow(ConfigError)
    expect(readFileSync(path, 'utf8')).toBe('store: { flowsDays: x }\n')
  })

  test('a folder that takes no file leaves the old settings and says so', () => {
    path = join(folder, 'none', 'config.yaml')
    expect(errorOf(() => write('store.flowsDays', 3)).message).toMatch(/cannot be written: ENOENT/)
  })
})

test('the reference names each setting with what it takes and its default', () => {
  const text = configReference(sections)

  expect(text).toContain('## store\n\nWhat is remembered.\n')
  expect(text).toContain('| `flowsDays` | a whole number from 1 to 3650 | `30` | Days that flows are kept |')
  expect(text).toContain('Size \\| bound')
  expect(text).toContain('| `allow` | a list, each a text | `[]` | Spared |')
  expect(text).toContain('## detectors.port-scan')
})
