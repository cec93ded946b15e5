import { expect, test } from 'vitest'
import { changeOf, controlText, labelOf, sectionOf, valueText } from './setting-text.ts'

test('each kind of setting goes into its control and back', () => {
  const of = (kind: 'switch' | 'choice' | 'number' | 'text' | 'list' | 'yaml', value: unknown) => {
    const shape = { setting: 'a.b', kind, default: 1 }
    return changeOf(shape, controlText(shape, value))
  }
  expect(of('switch', true)).toEqual({ setting: 'a.b', value: true })
  expect(of('choice', 'high')).toEqual({ setting: 'a.b', value: 'high' })
  expect(of('number', 20)).toEqual({ setting: 'a.b', text: '20' })
  expect(of('list', ['eth0', ' wlan0 '])).toEqual({ setting: 'a.b', value: ['eth0', 'wlan0'] })
  expect(controlText({ kind: 'yaml' }, [3600, 86_400])).toBe('[3600, 86400]')
  expect(JSON.parse(of('yaml', { feodo: { on: true } }).text ?? '')).toEqual({ feodo: { on: true } })
})

test('an empty field of what has no default takes the setting out of the file', () => {
  expect(changeOf({ setting: 'page.user', kind: 'text', default: undefined }, ' ')).toEqual({
    setting: 'page.user',
  })
  expect(changeOf({ setting: 'allow', kind: 'list', default: [] }, '')).toEqual({
    setting: 'allow',
    value: [],
  })
  expect(changeOf({ setting: 'page.port', kind: 'number', default: 1 }, '')).toEqual({
    setting: 'page.port',
    text: '',
  })
})

test('names and headings come from the key', () => {
  expect([labelOf('respond.blockSeconds'), labelOf('respond.modes.port-scan'), labelOf('allow')]).toEqual([
    'Block seconds',
    'Port scan',
    'Allow',
  ])
  expect(labelOf('intel.services.rdap.on')).toBe('Rdap: on')
  expect(
    ['detectors.flood.synPerSecond', 'respond.modes.flood', 'respond.profile', 'allow'].map(sectionOf),
  ).toEqual(['detectors.flood', 'respond.modes', 'respond', 'allow'])
  expect([valueText(undefined), valueText('high'), valueText([1, 2])]).toEqual(['—', 'high', '[1,2]'])
})
